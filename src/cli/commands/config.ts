/** `millrace config` */
import { z } from "zod";
import { nearestKey, quote } from "../../core/index.js";
import {
  checkPipelineFile,
  definitionText,
  explainPipeline,
  type FileFault,
  fileFaultText,
  pipelineFileSchema,
  readPipelineFile,
} from "../../runtime/index.js";
import { type CommandContext, commonOptions, defineCommand } from "../command.js";
import { CliErrors } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import { explainTable } from "../explain-table.js";
import { printable } from "../printable.js";

const ACTIONS = ["check", "print", "schema"] as const;

/** What was asked for, once it is known to make sense. */
type Question =
  | { readonly action: "check"; readonly files: readonly string[] }
  | { readonly action: "print"; readonly file: string }
  | { readonly action: "schema" };

export const config = defineCommand({
  about:
    "Pipeline files: check them with every module that they name, print one with where each value " +
    "comes from, or print the JSON Schema that editors complete and check by. A file is YAML, JSON, " +
    "or a module that exports definePipeline(...) as default.",
  options: z.strictObject({
    format: z
      .enum(["table", "yaml", "json"])
      .default("table")
      .describe("How print prints: yaml and json read back to the same pipeline."),
    ...commonOptions("warn"),
  }),
  operands: [
    ["ACTION", "check, print or schema"],
    ["[FILE...]", "pipeline files; print takes one, schema none"],
  ],
  groups: { "What is printed:": ["format"] },
  examples: [
    ["millrace config check pipeline.yaml", "faults as file:line:column"],
    ["millrace config print pipeline.yaml", "every value and its origin"],
    ["millrace config print a.yaml --format json", "the whole definition"],
    ["millrace config schema > pipeline.schema.json", "for editors"],
  ],
  async run({ json, format }, context) {
    const question = readQuestion(context.operands);
    switch (question.action) {
      case "check":
        return await check(question.files, json, context);
      case "print":
        return await print(question.file, json ? "json-list" : format, context);
      default:
        context.output.line(JSON.stringify(pipelineFileSchema(), null, json ? 0 : 2));
        return ExitCode.DONE;
    }
  },
});

/** @throws CLI_OPERANDS_WRONG */
function readQuestion([word, ...files]: readonly string[]): Question {
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw wrong(wordFault(word));
  const [file, second] = files;
  if (action === "schema") {
    if (file !== undefined) throw wrong("config schema takes no file: it is the same for all");
    return { action };
  }
  if (file === undefined) throw wrong(`name a file: millrace config ${action} FILE`);
  if (action === "check") return { action, files };
  if (second !== undefined) throw wrong("config print takes one file");
  return { action, file };
}

function wordFault(word: string | undefined): string {
  const known = `millrace config knows ${ACTIONS.join(", ")}`;
  if (word === undefined) return `say what to do: ${known}`;
  const nearest: string | undefined = nearestKey(word, ACTIONS);
  const hint = nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
  return `${quote(word)} is none of its words${hint}: ${known}`;
}

function wrong(reason: string) {
  return CliErrors.OPERANDS_WRONG({ reason });
}

async function check(
  files: readonly string[],
  json: boolean,
  { output, environment }: CommandContext,
): Promise<ExitCode> {
  let isWrong = false;
  for (const file of files) {
    const { faults, warnings, definition } = await checkPipelineFile(file, environment);
    isWrong ||= faults.length > 0;
    if (json) {
      const stages = definition?.stages.map(({ name }) => name) ?? null;
      output.json({ file, ok: faults.length === 0, faults, warnings, stages });
      continue;
    }
    for (const fault of faults) output.line(printable(fileFaultText(fault)));
    for (const warning of warnings) output.line(printable(fileFaultText(asWarning(warning))));
    if (faults.length === 0 && definition !== undefined) {
      const on = definition.stages.filter(({ enabled }) => enabled).length;
      const off = definition.stages.length - on;
      const disabled = off === 0 ? "" : `, ${off} switched off`;
      output.line(`${printable(file)}: ok, ${on} stage${on === 1 ? "" : "s"}${disabled}`);
    }
  }
  return isWrong ? ExitCode.USAGE : ExitCode.DONE;
}

function asWarning(fault: FileFault): FileFault {
  return { ...fault, text: `warning: ${fault.text}` };
}

async function print(
  file: string,
  format: "table" | "yaml" | "json" | "json-list",
  { output, environment }: CommandContext,
): Promise<ExitCode> {
  const pipeline = await readPipelineFile(file, environment);
  if (format === "json-list") output.json({ file, values: explainPipeline(pipeline) });
  else if (format === "table") output.line(explainTable(explainPipeline(pipeline)));
  else output.line(definitionText(pipeline, format).trimEnd());
  for (const warning of pipeline.warnings) output.note(fileFaultText(asWarning(warning)));
  return ExitCode.DONE;
}
