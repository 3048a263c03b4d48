/** `millrace plugins` */
import { z } from "zod";
import { listStages, type StageListing } from "../../runtime/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { CliErrors } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import { printable } from "../printable.js";

export const plugins = defineCommand({
  about:
    "Lists the stages that a pipeline file can use: those of the plugins and files that it names, " +
    "with their options. Without a file, the built-in ones. Nothing is loaded that the file does " +
    "not name.",
  options: z.strictObject(commonOptions("warn")),
  operands: [["[FILE]", "a pipeline file"]],
  groups: {},
  examples: [
    ["millrace plugins", "the built-in stages"],
    ["millrace plugins pipeline.yaml", "what a file names"],
    ["millrace plugins pipeline.yaml --json | jq .", "with types and defaults"],
  ],
  async run({ json }, { operands, output, environment }) {
    const [file, second] = operands;
    if (second !== undefined) throw CliErrors.OPERANDS_WRONG({ reason: "plugins takes one file" });
    const listings = await listStages(file, environment);
    if (json) output.json({ file: file ?? null, modules: listings });
    else if (listings.length === 0) output.line("it names no plugins and no files");
    else output.line(listings.map(listingText).join("\n\n"));
    return listings.some(({ fault }) => fault !== undefined) ? ExitCode.USAGE : ExitCode.DONE;
  },
});

function listingText({ module, name, version, stages, fault }: StageListing): string {
  const named = name === undefined || name === module ? "" : ` (${name})`;
  const head = printable(`${module}${named}${version === undefined ? "" : ` ${version}`}`);
  if (fault !== undefined) return `${head}\n  ${printable(fault)}`;
  const lines = stages.flatMap(({ use, about, options }) => [
    `  ${printable(use)}${about === undefined ? "" : `  ${printable(about)}`}`,
    ...options.map((option) => {
      const type = option.type === undefined ? "" : `: ${option.type}`;
      const standard = option.default === undefined ? "" : ` = ${JSON.stringify(option.default)}`;
      const told = option.about === undefined ? "" : `  ${option.about}`;
      return printable(`      ${option.name}${type}${standard}${told}`);
    }),
  ]);
  return [head, ...lines].join("\n");
}
