import type { Signals } from "../core/index.js";

/** What every call may be told. */
export interface CallOptions {
  /**
   * Ends the call, one signal or the first of several; it rejects with the signal's reason, and no message is lost by it: a call that has
   * acknowledged already waits up to a second for the broker's answer and succeeds.
   */
  readonly signal?: Signals;
  /**
   * The longest the call may wait, in milliseconds; 100,000 by default. 0: once, without waiting. A
   * broker over the network gets a second for an answer also when this is shorter.
   */
  readonly timeoutMs?: number | undefined;
}
