/** Options of a pipeline that are plain values. */
import { z } from "zod";
import { availableMemoryBytes } from "../core/index.js";

const ms = () => z.number().int().min(1).max(2_147_483_647);

export const PipelineSettings = z.strictObject({
  concurrency: z.number().int().min(1).max(10_000).optional().meta({
    description: "Messages in work at a time; with 1 their order is kept.",
    defaultText: "1; as many as the stages have room for when one has a concurrency of its own",
  }),
  ordered: z
    .boolean()
    .default(false)
    .describe("Whether messages leave each part in the order in which they came to it."),
  maxBytesInFlight: z
    .number()
    .int()
    .min(1)
    .default(() => Math.floor(availableMemoryBytes() / 8))
    .meta({
      description:
        "Bytes of the messages in work, about; beyond it none is fetched. A larger one goes alone.",
      defaultText: "an eighth of the memory",
    }),
  memoryThreshold: z
    .number()
    .min(0.05)
    .max(0.95)
    .default(0.75)
    .describe("Part of the memory above which stages with `{min, max}` shrink instead of growing."),
  stageTimeoutMs: ms()
    .max(3_000_000, "must end within the hour that a broker keeps a job for its consumer")
    .default(600_000)
    .describe("How long one stage may work on one message before the job fails."),
});
export type PipelineSettings = z.input<typeof PipelineSettings>;
export type PipelineConfig = z.output<typeof PipelineSettings>;

export const RunOptions = z.strictObject({
  maxIterations: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Ends the run after so many iterations; those that found no message count too."),
  maxMessages: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Ends the run after so many messages, failed ones included."),
  pollIntervalMs: ms()
    .default(100)
    .describe("How long an iteration waits for a message when iterations are counted."),
  idleTimeoutMs: ms().optional().describe("Ends the run when no message has come for so long."),
  signal: z
    .instanceof(AbortSignal)
    .optional()
    .meta({ description: "Ends the run; work in hand is finished.", typeText: "AbortSignal" }),
});
export type RunOptions = z.input<typeof RunOptions>;
export type RunConfig = z.output<typeof RunOptions>;

export const StopOptions = z.strictObject({
  drain: z.boolean().default(true).describe("Whether work in hand is finished first."),
  timeoutMs: ms().default(5_000).describe("How long that may take."),
  unfinished: z
    .enum(["release", "fail"])
    .default("release")
    .describe("What becomes of the rest: back to its queue, or a failed result."),
});
export type StopOptions = z.input<typeof StopOptions>;
