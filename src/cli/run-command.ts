/** Runs one command: reads its options, shows them when that was asked, else does its work. */
import type { Command as Commander } from "commander";
import type { Command } from "./command.js";
import { ExitCode } from "./exit-codes.js";
import { chooseOptions } from "./option-values.js";
import { withOtelVariables } from "./otel-environment.js";
import type { Output } from "./output.js";
import { type Leaf, leavesOf } from "./schema-options.js";
import type { StopRequest } from "./signals.js";

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
    environment: withOtelVariables(environment),
  };
  const what = `millrace ${name}`;
  const { config, values } = chooseOptions(command.options, leaves, { what, written });
  if (commander.opts().printConfig === true) {
    const { printConfig } = await import("./print-config.js");
    printConfig(values, { json: (config as { json: boolean }).json, output });
    return ExitCode.DONE;
  }
  return command.run(config, { operands: commander.args, output, stop });
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
