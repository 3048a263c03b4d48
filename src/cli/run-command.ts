/** Runs one command: reads its options and file, shows them when that was asked, else does its work. */
import type { Command as Commander } from "commander";
import type { PipelineFile } from "../runtime/index.js";
import type { Command } from "./command.js";
import { ExitCode } from "./exit-codes.js";
import { chooseOptions, type Written, writtenValue } from "./option-values.js";
import type { Output } from "./output.js";
import { type Leaf, leavesOf } from "./schema-options.js";
import type { StopRequest } from "./signals.js";
import { withStandardVariables } from "./standard-variables.js";

interface Means {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  readonly stop: StopRequest;
}

export async function runCommand(
  command: Command,
  { commander, name }: { readonly commander: Commander; readonly name: string },
  { environment, output, stop }: Means,
): Promise<ExitCode> {
  const leaves = leavesOf(command.options);
  const written = {
    flags: flagsOf(commander, leaves),
    environment: withStandardVariables(environment),
  };
  const what = `millrace ${name}`;
  const { fileOptions } = command;
  const pipeline =
    fileOptions === undefined ? undefined : await readFileOf(leaves, written, environment);
  const file =
    pipeline && fileOptions && (await import("./config-file.js")).fileLayer(pipeline, fileOptions);
  const choice = { what, written: { ...written, file } };
  const { config, values } = chooseOptions(command.options, leaves, choice);
  if (commander.opts().printConfig === true) {
    const { printConfig } = await import("./print-config.js");
    printConfig(values, { json: (config as { json: boolean }).json, output });
    return ExitCode.DONE;
  }
  return command.run(config, { operands: commander.args, environment, output, stop, pipeline });
}

/** The file that `--config` names. @throws RUNTIME_PIPELINE_INVALID, …_PIPELINE_FILE_UNREADABLE */
async function readFileOf(
  leaves: readonly Leaf[],
  written: Written,
  environment: Means["environment"],
): Promise<PipelineFile | undefined> {
  const leaf = leaves.find(({ path }) => path.join() === "config");
  const file = leaf && writtenValue(leaf, written)?.value;
  if (typeof file !== "string") return undefined;
  const { readPipelineFile } = await import("../runtime/index.js");
  return await readPipelineFile(file, environment);
}

/** Only what stands on the command line: commander sets the opposite of `--no-x` by itself. */
function flagsOf(
  commander: Commander,
  leaves: readonly Leaf[],
): ReadonlyMap<string, string | boolean> {
  const flags = new Map<string, string | boolean>();
  for (const { flag } of leaves) {
    const option = commander.options.find(({ long }) => long === flag);
    const key = option?.attributeName();
    if (key === undefined || commander.getOptionValueSource(key) !== "cli") continue;
    flags.set(flag, commander.getOptionValue(key) as string | boolean);
  }
  return flags;
}
