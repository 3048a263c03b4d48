/** Bounds what may never end, or may have to end early. */
import { firedIn, onFired } from "../core/index.js";
import { PipelineErrors } from "./errors.js";
import type { StageCall } from "./stage-call.js";

export interface TimeBounds {
  /** Several signals, since linking them for each message would cost more than most stages. */
  readonly ends: readonly AbortSignal[];
  /** Undefined: only the ends bound it. */
  readonly timeoutMs: number | undefined;
  readonly stage: string;
}

/**
 * What `result` resolves to, if that comes in time.
 *
 * @param call is aborted when nobody waits for it any more.
 * @throws PIPELINE_STAGE_TIMED_OUT, the reason of one of `ends`, or what `result` rejects with.
 */
export function withinTime(
  result: PromiseLike<unknown>,
  call: Pick<StageCall, "abort">,
  { ends, timeoutMs, stage }: TimeBounds,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (reason: unknown) => {
      call.abort(reason);
      settle();
      reject(reason);
    };
    const onEnd = () => giveUp(firedIn(ends)?.reason);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => giveUp(PipelineErrors.STAGE_TIMED_OUT({ stage, timeoutMs })), timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      forget();
    };
    const forget = onFired(ends, onEnd);
    Promise.resolve(result).then(resolve, reject).finally(settle);
    if (firedIn(ends) !== undefined) onEnd();
  });
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
