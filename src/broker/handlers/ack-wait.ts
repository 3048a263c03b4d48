import { DEFAULT_TIMEOUT_S, type TimeoutS, WireErrors } from "../../wire/index.js";

/** How long an ACK may take, in milliseconds: the request's timeout, within the server's bound. */
export function ackWaitMs(timeoutS: TimeoutS, maxAckWaitMs: number): number {
  return timeoutS === null ? maxAckWaitMs : Math.min(timeoutS * 1000, maxAckWaitMs);
}

/** Milliseconds that a request means by a timeout of 0, where 0 may not mean "at once". */
export const DEFAULT_ACK_WAIT_MS = DEFAULT_TIMEOUT_S * 1000;

/** @throws WIRE_REQUEST_INVALID for a timeout that no clock can keep. */
export function refuseTimeout(timeoutS: TimeoutS): never {
  const reason = `timeout: must be 0 or more seconds, is ${timeoutS}`;
  throw WireErrors.REQUEST_INVALID({ reason });
}
