/** Measures how late the event loop is: what waits for it, waits so much longer. */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

export interface EventLoopLag {
  readonly p50Seconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

/** The platform's timer fires so often, and counts the time between two firings as the delay. */
const RESOLUTION_MS = 10;

export class EventLoopLagMeter {
  #histogram: IntervalHistogram | undefined;

  start(): void {
    this.#histogram ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }

  /** Of the time since it was last read; undefined when nothing was measured in it. */
  read(): EventLoopLag | undefined {
    const histogram = this.#histogram;
    // A loop that was held up all the time has counted nothing yet.
    if (histogram === undefined || histogram.count === 0) return undefined;
    const lag = {
      p50Seconds: lagSeconds(histogram.percentile(50)),
      p99Seconds: lagSeconds(histogram.percentile(99)),
      maxSeconds: lagSeconds(histogram.max),
    };
    histogram.reset();
    return lag;
  }
}

function lagSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) / 1000;
}
