/** Units and bounds that several rooms share. */

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

/** Node fires a timer at once when its delay is larger than this. */
const TIMER_MS_MAX = 2_147_483_647;

/** A delay that `setTimeout` takes as it is meant: whole, not negative, not above its limit. */
export function clampTimerMs(delayMs: number): number {
  return Math.min(Math.max(Math.ceil(delayMs), 0), TIMER_MS_MAX);
}
