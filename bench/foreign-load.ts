/**
 * How much of the machine other programs used while something was measured, and measuring again until
 * that was little. Only on Linux; elsewhere nothing is known, and the first measurement counts.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** A tick of /proc/stat. */
const TICK_MS = 10;
/** What was measured while others had more of the cores' time does not count. */
export const SHARE_MAX = 0.03;
const PAUSE_MS = 2_000;

export interface Disturbed<T> {
  readonly value: T;
  /** Of the time of all cores, 0 to 1. */
  readonly foreignShare: number;
}

/** The first measurement that others hardly disturbed, or else the one they disturbed least. */
export async function undisturbed<T>(
  triesMax: number,
  measure: () => Promise<T>,
): Promise<Disturbed<T>> {
  let best: Disturbed<T> | undefined;
  for (let tries = 1; tries <= triesMax; tries++) {
    const before = times();
    const value = await measure();
    const foreignShare = shareBetween(before, times());
    if (best === undefined || foreignShare < best.foreignShare) best = { value, foreignShare };
    if (foreignShare <= SHARE_MAX) break;
    await sleep(PAUSE_MS);
  }
  return best as Disturbed<T>;
}

interface Times {
  /** All cores, all programs, since the machine started. */
  readonly busyMs: number;
  readonly ownMs: number;
  readonly atMs: number;
}

function times(): Times {
  const { user, system } = process.cpuUsage();
  return { busyMs: busyMs(), ownMs: (user + system) / 1000, atMs: performance.now() };
}

function busyMs(): number {
  try {
    const [, ...ticks] = (readFileSync("/proc/stat", "utf8").split("\n")[0] as string).split(/\s+/);
    const [user, nice, system, , , irq, softirq, steal] = ticks.map(Number);
    return [user, nice, system, irq, softirq, steal].reduce<number>(
      (sum, each) => sum + (each ?? 0) * TICK_MS,
      0,
    );
  } catch {
    return Number.NaN;
  }
}

function shareBetween(before: Times, after: Times): number {
  const foreignMs = after.busyMs - before.busyMs - (after.ownMs - before.ownMs);
  const share = foreignMs / ((after.atMs - before.atMs) * availableParallelism());
  return Number.isNaN(share) ? 0 : Math.max(0, share);
}
