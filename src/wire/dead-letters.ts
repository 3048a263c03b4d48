/**
 * Dead letters on the line: an extension of ours, sent only to a broker whose PONG names "dead". The
 * answer to DEAD is JSON text in the response.
 */
import { z } from "zod";
import { WireErrors } from "./errors.js";

export const DEAD_ACTIONS = ["list", "show", "replay", "drop"] as const;

/** At most so many dead letters are told in one answer. */
export const DEAD_LIST_MAX = 1_000;

export type DeadQuestion =
  /** Those after the job `after`, oldest first. */
  | { readonly action: "list"; readonly after?: string | undefined }
  | { readonly action: "show"; readonly jobId: string }
  /** Without `jobId`: all. */
  | { readonly action: "replay" | "drop"; readonly jobId?: string | undefined };

/** A job that was given up, as brokers tell of it. */
export const DeadLetter = z.object({
  job_id: z.string(),
  queue_name: z.string(),
  /** What made it dead: `deliveries`, `deadline` or `failed`. */
  cause: z.string(),
  /** A sentence for people. */
  reason: z.string(),
  deliveries: z.number(),
  /** ISO 8601. */
  stored_at: z.string(),
  /** ISO 8601. */
  given_up_at: z.string(),
  bytes: z.number(),
  /** The job's text; only when it was asked for with `show`. */
  message: z.string().optional(),
});
export type DeadLetter = z.output<typeof DeadLetter>;

const DeadAnswer = z.object({
  letters: z.array(DeadLetter),
  /** How many were replayed or dropped, or how many there are in all. */
  count: z.number(),
});
export type DeadAnswer = z.output<typeof DeadAnswer>;

/** @throws WIRE_RESPONSE_INVALID */
export function parseDeadAnswer(text: string): DeadAnswer {
  try {
    return DeadAnswer.parse(JSON.parse(text));
  } catch (cause) {
    throw WireErrors.RESPONSE_INVALID({ reason: "the answer to DEAD cannot be read" }, cause);
  }
}
