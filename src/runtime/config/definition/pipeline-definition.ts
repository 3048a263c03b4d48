/**
 * What a pipeline consists of, as data: the one schema behind a pipeline file and `definePipeline`.
 * Knows what may be written, not where it was written nor how it is run.
 */
import { z } from "zod";
import { RedisSettings } from "../../../client/index.js";
import { messageOf } from "../../../core/index.js";
import { type ProcessingFunction, type Stage, StageOptions } from "../../../pipeline/index.js";
import { UdfOptions, UdfSettings } from "../../../stages/index.js";
import { parseBrokerUrl } from "../../broker-url.js";
import { LocalPipelineSettings } from "../../local-pipeline-settings.js";
import { TelemetryOptions } from "../../telemetry.js";
import { LOCAL_STAGES } from "./known-stages.js";

const STAGES_MAX = 1_000;
const EDGES_MAX = 10_000;

/** Names of parts stand in traces, annotations and labels of metrics. */
const PartName = z.string().min(1).max(128);

/** Only in code: in a file everything is text. */
const StageInCode = z.custom<Stage | ProcessingFunction>(
  (value) =>
    typeof value === "function" ||
    (typeof value === "object" && value !== null && "process" in value && "name" in value),
  "expected a stage or a function",
);

/** What to run: by name, or, in code, the thing itself. */
export const Use = z.union([z.string().min(1).max(1_024), StageInCode]).meta({
  description:
    "What to run: a built-in stage (`pdf_extractor`), a file and what it exports " +
    "(`./redact.js#redact`, looked for beside this file), or a package and one of its stages " +
    "(`millrace-redact#redact`). In code also a stage or a function.",
  typeText: "string",
});
export type Use = z.output<typeof Use>;

export const StageDefinition = z.strictObject({
  name: PartName.optional().meta({
    description: "Its name in traces, annotations and metrics; unique.",
    defaultText: "the last part of `use`",
  }),
  use: Use,
  config: z.record(z.string(), z.unknown()).default({}).meta({
    description: "The stage's own options, checked by its schema where it has one.",
    defaultText: "none",
  }),
  enabled: z
    .boolean()
    .default(true)
    .describe("A stage that is switched off is left out, and those around it are joined."),
  runOn: z
    .enum(["main", "thread"])
    .default("main")
    .describe("Where it runs. Stages that compute for long belong into a thread."),
  runsAfter: z
    .array(PartName)
    .max(STAGES_MAX)
    .default([])
    .describe("Stages that every message must have come through before this one."),
  ...StageOptions.shape,
  checkpoint: StageOptions.shape.checkpoint.unwrap().optional().meta({
    description: StageOptions.shape.checkpoint.description,
    defaultText: "for the built-in extractors",
  }),
});

export const EdgeDefinition = z.strictObject({
  from: PartName.describe("Name of a stage, or `source`."),
  to: PartName.describe("Name of a stage, or `sink`."),
});

const Hooks = z.strictObject({
  before: Use.optional().describe("Runs before the stage."),
  after: Use.optional().describe("Runs after the stage."),
});

const { phases, version } = UdfOptions.shape;

/** As in code, but functions are named by what they use. */
const UserFunctions = UdfSettings.extend({
  registry: z
    .record(z.string().min(1).max(256), Use)
    .default({})
    .describe("Functions that `udf` tasks may name in `udf_function_name`."),
  hooks: z
    .record(PartName, Hooks)
    .default({})
    .describe("Functions that run before and after a stage, by its name, in every job."),
  phases,
  version,
});

const BrokerUrl = z.string().superRefine((text, context) => {
  try {
    parseBrokerUrl(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: messageOf(error), params: { isComplete: true } });
  }
});

export const PipelineDefinition = z.strictObject({
  name: PartName.default("pipeline").describe("Its name in logs and metrics."),
  description: z.string().optional().describe("For people."),
  broker: BrokerUrl.optional().describe("Where jobs come from, such as simple://127.0.0.1:7671."),
  redis: RedisSettings.prefault({}).describe("What the URL of a Redis does not say."),
  ...LocalPipelineSettings.shape,
  ...TelemetryOptions.shape,
  plugins: z
    .array(z.string().min(1).max(1_024))
    .max(STAGES_MAX)
    .default([])
    .describe("Files and packages that offer stages. Nothing but what this file names is loaded."),
  udf: UserFunctions.prefault({}).describe("Functions that jobs may ask for."),
  stages: z
    .array(StageDefinition)
    .max(STAGES_MAX)
    .prefault(() => LOCAL_STAGES.map((use) => ({ use })))
    .meta({
      description: "The stages, in their order. An empty list does nothing to the jobs.",
      typeText: "list of StageDefinition",
      defaultText: `the local stages: ${LOCAL_STAGES.join(", ")}`,
    }),
  edges: z.array(EdgeDefinition).max(EDGES_MAX).default([]).meta({
    description: "Which part hands its messages to which.",
    typeText: "list of EdgeDefinition",
    defaultText: "a chain, from `source` through all stages into `sink`",
  }),
});

/** What a caller writes. */
export type PipelineDefinition = z.input<typeof PipelineDefinition>;
export type StageDefinition = z.input<typeof StageDefinition>;
export type EdgeDefinition = z.output<typeof EdgeDefinition>;

/** Complete and checked; every stage has a name. */
export interface DefinedPipeline extends Omit<z.output<typeof PipelineDefinition>, "stages"> {
  readonly stages: DefinedStage[];
}
export type DefinedStage = z.output<typeof StageDefinition> & { readonly name: string };
