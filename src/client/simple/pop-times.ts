/** What a POP asks for, so that the broker's answer comes when the caller's time is over. */

import { clampTimerMs } from "../../core/index.js";

/** How late "not ready" may be after the time the broker may hold a POP. */
const HOLD_EXTRA_MS = 5_000;
/** The `timeout` for brokers that never hold; the original fails on 0. */
const ACK_WAIT_S = 100;
/** How long the answer to a POP with a lease is awaited also when the caller's time is shorter. */
const LEASED_ANSWER_MS_MIN = 100;

export interface PopTimes {
  /** Member `timeout` of the request: seconds. */
  readonly timeoutS: number;
  /** How long the broker may be silent, in milliseconds. */
  readonly silenceMs: number;
  /** Silence is the end of the caller's time, not of the broker. */
  readonly endsWithCall: boolean;
}

/**
 * `timeout` means two things to a broker that holds: the ACK may take that long, and the POP is held
 * a second less (half of it up to two seconds). Without a lease only the second matters, so it is
 * chosen to end with the call. A lease is usually longer than the call, which then ends the line.
 */
export function popTimes(call: {
  readonly leftMs: number;
  readonly leaseMs: number | undefined;
  readonly holds: boolean;
  readonly connectionTimeoutMs: number;
}): PopTimes {
  const { leftMs, leaseMs, holds, connectionTimeoutMs } = call;
  if (!holds) {
    const timeoutS = leaseMs === undefined ? ACK_WAIT_S : Math.max(1, clampTimerMs(leaseMs) / 1000);
    return { timeoutS, silenceMs: connectionTimeoutMs, endsWithCall: false };
  }
  const leftS = leftMs / 1000;
  if (leaseMs === undefined) {
    const timeoutS = leftS > 1 ? leftS + 1 : leftS * 2;
    return { timeoutS, silenceMs: leftMs + HOLD_EXTRA_MS, endsWithCall: false };
  }
  const silenceMs = Math.max(leftMs, LEASED_ANSWER_MS_MIN);
  return { timeoutS: clampTimerMs(leaseMs) / 1000, silenceMs, endsWithCall: true };
}
