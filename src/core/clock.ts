/** The only place that reads clocks. Waits use the monotonic one, documents the wall clock. */

/** Milliseconds on a clock that never jumps; its zero is arbitrary. */
export function monotonicMs(): number {
  return performance.now();
}

/** Nanoseconds since 1970. Resolution is that of the platform's clock, not always 1 ns. */
export function epochNanoseconds(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

/** Seconds since 1970 with a fraction. */
export function epochSeconds(): number {
  return Date.now() / 1000;
}

/** The present as ISO 8601 text in UTC. */
export function isoNow(): string {
  return new Date().toISOString();
}

/** Seconds since 1970 as ISO 8601 text in UTC. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
