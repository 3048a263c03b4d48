/** The end of every wait for a store, whatever its disk or network does. */
import {
  clampTimerMs,
  firedIn,
  onFired,
  type Signals,
  sharedAbortController,
  signalsOf,
  throwIfFired,
} from "../../core/index.js";
import { ObjectErrors } from "./errors.js";

interface CallLimits {
  readonly signal: Signals;
  readonly timeoutMs: number;
  /** The store, for the error's text. */
  readonly where: string;
}

/**
 * What `work` resolves to. Its signal fires when the caller's does and when the time is over; the call
 * then ends also if `work` does not: a read from a share whose server is gone never returns.
 *
 * @throws OBJECT_STORE_UNAVAILABLE, or the reason of the caller's signal
 */
export async function withinLimits<T>(
  { signal, timeoutMs, where }: CallLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signals = signalsOf(signal);
  throwIfFired(signals);
  const controller = sharedAbortController();
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason));
  });
  const unlink = onFired(signals, () => controller.abort(firedIn(signals)?.reason));
  const timer = setTimeout(() => {
    const reason = `not within ${timeoutMs} ms`;
    controller.abort(ObjectErrors.STORE_UNAVAILABLE({ where, reason }));
  }, clampTimerMs(timeoutMs));
  try {
    return await Promise.race([work(controller.signal), ended]);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}
