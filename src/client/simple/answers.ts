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

/** The error for the reason that a broker gives. */
export function refusedPush(queueName: string, reason: string): MillraceError {
  if (reason === Text.QUEUE_FULL) return QueueErrors.FULL({ queueName });
  if (reason === Text.QUEUE_UNAVAILABLE) return QueueErrors.UNAVAILABLE({ queueName });
  return ClientErrors.REFUSED({ command: "PUSH", reason });
}

/** The answer to a POP for which there is no message. */
export function saysEmpty({ code, reason }: Response): boolean {
  return code === ResponseCode.NOT_READY || reason === RETIRED_EMPTY;
}
