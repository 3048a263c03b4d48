/** Gives a commander command its options, groups and help from the definition of one of ours. */
import type { Command as Commander } from "commander";
import { COMMON_GROUP, type Command } from "./command.js";
import { EXIT_CODES_HELP } from "./exit-codes.js";
import { commanderOptions, type Leaf, leavesOf } from "./schema-options.js";

const FURTHER = "Further options:";
const EXAMPLE_LENGTH_MAX = 42;
const PRINT_CONFIG = "print-config";

export function describeCommand(commander: Commander, command: Command): void {
  const { about, operands = [], examples } = command;
  commander.description(about).usage([...operands.map(([name]) => name), "[options]"].join(" "));
  // Which of them must be there, the command itself says, in its own words.
  for (const [name, what] of operands) {
    commander.argument(`[${name.replaceAll(/[[\]]/g, "").toLowerCase()}]`, what);
  }
  const leaves = leavesOf(command.options);
  const groups = { ...command.groups, [FURTHER]: [], ...COMMON_GROUP };
  for (const heading of Object.keys(groups)) {
    for (const leaf of leaves.filter((each) => headingOf(each, groups) === heading)) {
      for (const option of commanderOptions(leaf)) commander.addOption(option.helpGroup(heading));
    }
  }
  commander.optionsGroup(Object.keys(COMMON_GROUP)[0] as string);
  commander.option(`--${PRINT_CONFIG}`, "show each option's value and where it comes from");
  commander.helpOption("-h, --help", "show this help");
  commander.addHelpText("after", afterHelp(examples));
}

function headingOf(leaf: Leaf, groups: Readonly<Record<string, readonly string[]>>): string {
  const headingWith = (key: string) =>
    Object.entries(groups).find(([, keys]) => keys.includes(key))?.[0];
  const whole = leaf.path.join(".");
  return headingWith(whole) ?? headingWith(leaf.path.at(-1) as string) ?? FURTHER;
}

function afterHelp(examples: Command["examples"]): string {
  const width = Math.max(...examples.map(([line]) => line.length).filter(isShort));
  const lines = examples.map(([line, what]) =>
    isShort(line.length) ? `  ${line.padEnd(width)}   ${what}` : `  ${line}\n      ${what}`,
  );
  return `
Examples:
${lines.join("\n")}

Each option can also be set by a variable: --log-level is MILLRACE_LOG_LEVEL.
A flag wins over the variable.

Exit codes: ${EXIT_CODES_HELP}
`;
}

/** Whether an example leaves room for its explanation on a line of 80 columns. */
function isShort(length: number): boolean {
  return length <= EXAMPLE_LENGTH_MAX;
}
