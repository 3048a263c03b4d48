/**
 * Full-jitter exponential back-off: before attempt n (from 0) wait a random time between 0 and
 * `min(maxMs, baseMs · 2ⁿ)`. Jitter keeps many clients of a broker that came back from asking at once.
 */
export function backoffMs(attempt: number, baseMs: number, maxMs: number): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
}
