/** What can be wrong with the modules that an operator named stages of. All of it is told before a job. */
import { defineErrors, quote } from "../core/index.js";

/** How long a module may take to be loaded, and a stage to be made and, in a thread, started. */
export const LOAD_MS = 60_000;

interface Named {
  /** The address as the operator wrote it. */
  readonly use: string;
}

export const LoadErrors = defineErrors("PIPELINE", {
  PLUGIN_INVALID: {
    kind: "input",
    retry: false,
    about:
      "What was given to definePlugin, or a module exports as a plugin, has not the shape of one.",
    say: ({ plugin, faults }: { plugin: string; faults: readonly string[] }) =>
      `the plugin ${plugin} is not valid: ${faults.join("; ")}`,
  },
  STAGE_ADDRESS_INVALID: {
    kind: "input",
    retry: false,
    about:
      "The address of a stage is neither a path, a file: URL nor the name of a package, with " +
      "`#export` behind it where the module has several.",
    say: ({ use, problem }: Named & { problem: string }) =>
      `the stage address ${quote(use)} ${problem}; write ./file.js#export or package#stage`,
  },
  STAGE_MODULE_NOT_FOUND: {
    kind: "input",
    retry: false,
    about: "There is no file, or no installed package, at the address of a stage.",
    say: ({ use, problem }: Named & { problem: string }) =>
      `the module of stage ${quote(use)} was not found: ${problem}`,
  },
  STAGE_MODULE_FAILED: {
    kind: "input",
    retry: false,
    about:
      "The module of a stage threw while it was loaded, made no stage, or took longer than a minute.",
    say: ({ use, problem }: Named & { problem: string }) =>
      `the module of stage ${quote(use)} could not be loaded: ${problem}`,
  },
  STAGE_EXPORT_MISSING: {
    kind: "input",
    retry: false,
    about: "The module of a stage does not export what its address names.",
    say: ({ use, problem, exports }: Named & { problem: string; exports: readonly string[] }) =>
      `the module of stage ${quote(use)} ${problem}; it has ${listOf(exports)}`,
  },
  STAGE_EXPORT_INVALID: {
    kind: "input",
    retry: false,
    about: "What the address of a stage names is no function, stage object or stage of a plugin.",
    say: ({ use, problem }: Named & { problem: string }) =>
      `the export that ${quote(use)} names ${problem}; ` +
      "a stage is a function, an object with process(), or a stage of a plugin",
  },
});

const LISTED_MAX = 20;

function listOf(names: readonly string[]): string {
  if (names.length === 0) return "no exports";
  const shown = names.slice(0, LISTED_MAX).join(", ");
  return names.length > LISTED_MAX ? `${shown} and ${names.length - LISTED_MAX} more` : shown;
}
