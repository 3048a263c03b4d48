/** A closed loop: so many clients, each with one operation at a time, bounded in time and number. */
import { percentile } from "./harness.js";

export interface LoadBounds {
  readonly clients: number;
  readonly durationMs: number;
  /** Operations of all clients together, at most. */
  readonly countMax?: number | undefined;
  /** What a client waits for before its next operation; no part of that one's time. */
  readonly pause?: (client: number) => Promise<unknown>;
}

export interface LoadResult {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What is begun before the time is over is finished and counted, and the time it took as well. */
export async function runLoad(
  { clients, durationMs, countMax = Number.POSITIVE_INFINITY, pause }: LoadBounds,
  operate: (client: number) => Promise<unknown>,
): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const startedAtMs = performance.now();
  let begun = 0;
  let lastAtMs = startedAtMs;
  const loop = async (client: number) => {
    while (begun < countMax && performance.now() - startedAtMs < durationMs) {
      begun++;
      const begunAtMs = performance.now();
      await operate(client);
      lastAtMs = performance.now();
      latenciesMs.push(lastAtMs - begunAtMs);
      if (pause !== undefined) await pause(client);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)));
  latenciesMs.sort((a, b) => a - b);
  return {
    count: latenciesMs.length,
    perSecond: latenciesMs.length / ((lastAtMs - startedAtMs) / 1000),
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  };
}
