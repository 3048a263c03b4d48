/** What the operator allows of user-defined functions. */
import { z } from "zod";
import { PIPELINE_PHASES } from "../../message/index.js";
import type { ProcessingFunction } from "../../pipeline/index.js";

const processingFunction = () =>
  z.custom<ProcessingFunction>((value) => typeof value === "function", "must be a function");

const Hooks = z.strictObject({
  before: processingFunction().optional(),
  after: processingFunction().optional(),
});

/** The part that plain values can say. */
export const UdfSettings = z.strictObject({
  policy: z
    .enum(["fail", "ignore"])
    .default("fail")
    .describe(
      "What becomes of a job whose `udf` task names no registered function: it fails, or goes on " +
        "without it and says so. The text of such a task is never run.",
    ),
});

export const UdfOptions = UdfSettings.extend({
  registry: z
    .record(z.string(), processingFunction())
    .default({})
    .describe("Functions that `udf` tasks may name in `udf_function_name`."),
  hooks: z
    .record(z.string(), Hooks)
    .default({})
    .describe("Functions that run before and after a stage, by its name, in every job."),
  phases: z
    .record(z.string(), z.int().min(PIPELINE_PHASES.PRE_PROCESSING).max(PIPELINE_PHASES.DRAIN))
    .default({})
    .describe("Phases of stages of your own, by name; else a stage is in that of the one before."),
  version: z
    .string()
    .default("")
    .describe("Change it when a function's results change: checkpoints behind it are made anew."),
});
export type UdfOptions = z.input<typeof UdfOptions>;
export type UdfConfig = z.output<typeof UdfOptions>;
/** The part that only code can give. */
export type UdfFunctions = Omit<UdfOptions, "policy">;
