/** Options of the ledger: when a job is given up, and how long a result is kept. */
import { z } from "zod";
import type { BrokerConfig } from "../../broker/index.js";
import { GiB, MiB } from "../../core/index.js";
import type { DeadLetterBounds } from "./dead-letters.js";

/** Two days. */
const KEPT_MS = 172_800_000;
const msOrNone = () => z.number().int().min(0).max(2_147_483_647);

const QueueSettings = z.strictObject({
  settle: z
    .enum(["on-ack", "on-result"])
    .default("on-ack")
    .describe("When a job of this queue is off its consumer's hands."),
});

/** A command line writes a record as JSON text. */
function recordOrText<S extends z.ZodType>(settings: S) {
  const parse = (value: unknown) => {
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  };
  return z.preprocess(parse, z.record(z.string().min(1), settings));
}

export const LedgerOptions = z.strictObject({
  maxDeliveries: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe("How often a job may kill or lose its consumer before it is given up."),
  jobTimeoutMs: msOrNone()
    .default(KEPT_MS)
    .describe("How long a job may take from its acceptance to its result; 0: no limit."),
  resultLeaseMs: z
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .default(600_000)
    .describe("How long an acknowledged job of an on-result queue waits for its result."),
  queues: recordOrText(QueueSettings)
    .default({})
    .meta({
      description:
        "Settings of single queues, by name. With settle on-result a job stays with its consumer " +
        "after the acknowledgement, until its result is there: for consumers that acknowledge " +
        "before they work, as nv-ingest's do.",
      typeText: '`{"NAME": {"settle": "on-ack" | "on-result"}}`; on the command line as JSON',
      defaultText: "none; on-ack",
    }),
  resultRetentionMs: msOrNone()
    .default(KEPT_MS)
    .describe("How long a fetched result can be fetched again."),
  maxRetainedBytes: z
    .number()
    .int()
    .min(0)
    .default(128 * MiB)
    .describe("Fetched results kept for that, in bytes; beyond it the oldest go first."),
  unfetchedRetentionMs: msOrNone()
    .default(0)
    .describe("How long a result waits for its first fetch; 0: until it is fetched."),
  maxDeadLetters: z
    .number()
    .int()
    .min(0)
    .default(10_000)
    .describe("Dead letters kept; beyond it the oldest are dropped."),
  maxDeadLetterBytes: z
    .number()
    .int()
    .min(0)
    .default(1 * GiB)
    .describe(
      "Dead letters kept, in bytes of their jobs, and never more than a quarter of maxStoredBytes, or " +
        "of maxHeldBytes with messages in memory; beyond it the oldest are dropped.",
    ),
});
export type LedgerConfig = z.output<typeof LedgerOptions>;

/** What a ledger must know of the broker's own options. */
export type StoreLimits = Pick<BrokerConfig, "durability" | "maxStoredBytes" | "maxHeldBytes">;

/** A store full of dead letters would take no jobs. */
const DEAD_SHARE = 0.25;

/** The bounds of dead letters, with regard to the place that there is. */
export function deadLetterBounds(config: LedgerConfig & StoreLimits): DeadLetterBounds {
  const { durability, maxStoredBytes, maxHeldBytes, maxDeadLetters, maxDeadLetterBytes } = config;
  const placeBytes = DEAD_SHARE * (durability === "memory" ? maxHeldBytes : maxStoredBytes);
  return { maxDeadLetters, maxDeadLetterBytes: Math.min(maxDeadLetterBytes, placeBytes) };
}
