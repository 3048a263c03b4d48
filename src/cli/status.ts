/** Says once a second how a service is doing, on one line that is written anew in its place. */
import { monotonicMs, processUsage } from "../core/index.js";
import { holdStatusLine, showStatus } from "./status-line.js";

const EVERY_MS = 1_000;
/** The rate is that of so many seconds past. */
const RATE_SAMPLES = 5;
const MIB = 1024 * 1024;

export interface StatusFacts {
  /** Jobs that ended, however. */
  readonly ended: number;
  readonly failed: number;
  readonly inFlight: number;
  /** Undefined where it is not known. */
  readonly queued?: number | undefined;
  readonly oldestAgeMs?: number | undefined;
}

export type ReadStatus = () => StatusFacts | Promise<StatusFacts>;

/** Begins at once; the function returned ends it and leaves an empty line. */
export function tellStatus(read: ReadStatus): () => void {
  const release = holdStatusLine();
  const rate = new Rate();
  let isReading = false;
  let isOver = false;
  const tell = async () => {
    if (isReading) return;
    isReading = true;
    try {
      const facts = await read();
      const jobsPerSecond = rate.after(facts.ended);
      if (!isOver) showStatus(statusText(facts, jobsPerSecond, processUsage().residentBytes));
    } catch {
      // Whatever it is, those who work will tell; the line stays as it was.
    } finally {
      isReading = false;
    }
  };
  const timer = setInterval(tell, EVERY_MS);
  void tell();
  return () => {
    isOver = true;
    clearInterval(timer);
    release();
  };
}

/** `12 jobs/s · 4 in flight · 120 queued, oldest 3 s · 2 failed · 182 MiB`: the first matter most. */
export function statusText(
  { failed, inFlight, queued, oldestAgeMs }: StatusFacts,
  jobsPerSecond: number,
  residentBytes: number,
): string {
  const oldest = oldestAgeMs === undefined ? "" : `, oldest ${readableAge(oldestAgeMs)}`;
  return [
    `${jobsPerSecond.toFixed(jobsPerSecond < 10 ? 1 : 0)} jobs/s`,
    `${inFlight} in flight`,
    ...(queued === undefined ? [] : [`${queued} queued${oldest}`]),
    `${failed} failed`,
    `${Math.round(residentBytes / MIB)} MiB`,
  ].join(" · ");
}

function readableAge(ageMs: number): string {
  const seconds = Math.floor(ageMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

class Rate {
  readonly #samples: { readonly atMs: number; readonly count: number }[] = [];

  /** Per second since the oldest of the last counts. */
  after(count: number): number {
    const now = { atMs: monotonicMs(), count };
    this.#samples.push(now);
    if (this.#samples.length > RATE_SAMPLES + 1) this.#samples.shift();
    const oldest = this.#samples[0] ?? now;
    const ms = now.atMs - oldest.atMs;
    return ms <= 0 ? 0 : (Math.max(0, count - oldest.count) / ms) * 1000;
  }
}
