/** What the answers of a broker mean, and what a lost one does. */
import { hasCode, type MillraceError } from "../../core/index.js";
import { QueueErrors, type Response, ResponseCode, Text, WireErrors } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";

/** What brokers before 25.6 said of an empty queue, with code 1. */
const RETIRED_EMPTY = "Queue is empty";

/** The connection failed: another one may do. */
export function isLost(error: unknown): boolean {
  return (
    hasCode(error, ClientErrors.CONNECTION_LOST.code) || hasCode(error, ClientErrors.SILENCE.code)
  );
}

/** @throws WIRE_RESPONSE_INVALID when the answer opens no transaction. */
export function transactionOf({ transactionId }: Response): string {
  if (transactionId !== null) return transactionId;
  throw WireErrors.RESPONSE_INVALID({ reason: "transaction_id is missing" });
}

type Refusal = (details: { readonly queueName: string }) => MillraceError;

/** The reasons of refused pushes that have an error of their own, letter by letter. */
const PUSH_REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  [Text.QUEUE_FULL, QueueErrors.FULL],
  [Text.QUEUE_UNAVAILABLE, QueueErrors.UNAVAILABLE],
  [Text.JOB_OVER, QueueErrors.JOB_OVER],
  [Text.LEASE_OVER, QueueErrors.LEASE_OVER],
]);

/** Whether the broker judged the push; else it only missed the acknowledgement. */
export function isPushRefusal({ code, reason }: Response): boolean {
  return code !== ResponseCode.SUCCESS && PUSH_REFUSALS.has(reason);
}

/** The error for the reason that a broker gives. */
export function refusedPush(queueName: string, reason: string): MillraceError {
  const refusal = PUSH_REFUSALS.get(reason);
  return refusal?.({ queueName }) ?? ClientErrors.REFUSED({ command: "PUSH", reason });
}

/** The error for a POP that brings no message and does not only say that there is none. */
export function refusedPop({ code, reason }: Response): MillraceError {
  const isExpired = code === ResponseCode.ERROR && reason.startsWith(Text.RESULT_EXPIRED);
  return isExpired
    ? QueueErrors.RESULT_EXPIRED({ reason })
    : ClientErrors.REFUSED({ command: "POP", reason });
}

/** The answer to a POP for which there is no message. */
export function saysEmpty({ code, reason }: Response): boolean {
  return code === ResponseCode.NOT_READY || reason === RETIRED_EMPTY;
}
