/** Options of one stage in a pipeline: how many at once, how long, what when it fails. */
import { z } from "zod";
import { MiB } from "../core/index.js";

const count = () => z.number().int().min(1).max(10_000);
const ms = () => z.number().int().min(1).max(2_147_483_647);

export const InboxOptions = z.strictObject({
  maxMessages: count()
    .default(32)
    .describe(
      "Messages that wait for the stage; beyond it the stage before is held back. Before a stage " +
        "with `batch` a whole batch may wait in any case.",
    ),
  maxBytes: z
    .number()
    .int()
    .min(1)
    .default(256 * MiB)
    .describe("Their size in bytes, about; a message that is larger waits alone."),
});

export const BatchOptions = z.strictObject({
  maxSize: count()
    .default(32)
    .describe("The most messages in one batch; no more than the pipeline works on at a time."),
  maxBytes: z
    .number()
    .int()
    .min(1)
    .default(64 * MiB)
    .describe("The most bytes in one batch, about; a message that is larger goes alone."),
  maxWaitMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(20)
    .describe("How long the first message of a batch waits for others; not at a stop."),
});

export type BatchConfig = z.output<typeof BatchOptions>;

export const RetryOptions = z.strictObject({
  maxAttempts: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe("Attempts at one message, the first included. Only transient errors are retried."),
  baseMs: ms().default(200).describe("The first pause is a random time up to this; each doubles."),
  maxMs: ms().default(30_000).describe("The longest such pause."),
  maxRetryAfterMs: ms()
    .default(120_000)
    .describe(
      "The longest wait that an endpoint may ask for; when it asks for more, the stage fails.",
    ),
});

export const ElasticConcurrency = z
  .strictObject({
    min: count().default(1).describe("Never fewer at once."),
    max: count().describe("Never more at once."),
  })
  .refine(({ min, max }) => min <= max, "min must not be more than max");

export const StageOptions = z.strictObject({
  concurrency: z
    .union([count(), ElasticConcurrency])
    .optional()
    .meta({
      description:
        "Messages (with `batch`, batches) that the stage works on at a time. With `{min, max}` it " +
        "follows the load: it grows while messages wait and memory allows, and shrinks when idle.",
      typeText: "integer, or `{min, max}`",
      defaultText: "as many as the pipeline",
    }),
  inbox: InboxOptions.prefault({}),
  timeoutMs: ms()
    .max(3_000_000, "must end within the hour that a broker keeps a job for its consumer")
    .optional()
    .meta({
      description: "How long one attempt may take before it counts as failed.",
      defaultText: "the pipeline's stageTimeoutMs",
    }),
  batch: BatchOptions.optional(),
  retry: RetryOptions.prefault({}),
  onError: z
    .enum(["fail", "skip", "continue"])
    .default("fail")
    .describe(
      "What a failure means for the job. fail: it fails. skip: it goes on as it was before the " +
        "stage. continue: it goes on as the stage left it. The last two leave an annotation.",
    ),
  checkpoint: z
    .boolean()
    .default(false)
    .describe("Keep what the stage made, so that the same job does not need it again."),
});
export type StageOptions = z.input<typeof StageOptions>;
export type StageConfig = z.output<typeof StageOptions>;
