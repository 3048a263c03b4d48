/** Results that were fetched and are kept for another fetch, bounded by their time and their bytes. */
import { Deadlines } from "./deadlines.js";
import type { Job } from "./job.js";

/** What a result costs besides its body; so many small ones are bounded too. */
const RESULT_BYTES = 1_024;

export interface RetentionConfig {
  readonly resultRetentionMs: number;
  readonly maxRetainedBytes: number;
}

export class RetainedResults {
  readonly #config: RetentionConfig;
  readonly #onExpired: (job: Job) => void;
  readonly #results: Deadlines<Job>;
  readonly #bytesOf = new Map<Job, number>();
  #bytes = 0;

  /** @param onExpired called for each that is kept no more. */
  constructor(config: RetentionConfig, onExpired: (job: Job) => void) {
    this.#config = config;
    this.#onExpired = onExpired;
    this.#results = new Deadlines((job) => this.#expire(job));
  }

  get count(): number {
    return this.#results.size;
  }

  /** @param ageMs how long ago it was fetched. */
  add(job: Job, ageMs: number): void {
    const { resultRetentionMs, maxRetainedBytes } = this.#config;
    this.delete(job);
    const bytes = (job.result?.entry.bodyBytes ?? 0) + RESULT_BYTES;
    this.#bytesOf.set(job, bytes);
    this.#bytes += bytes;
    this.#results.add(job, Math.max(0, resultRetentionMs - ageMs));
    while (this.#bytes > maxRetainedBytes && this.expireOldest());
  }

  delete(job: Job): void {
    if (!this.#results.delete(job)) return;
    this.#forget(job);
  }

  /** Whether there was one. */
  expireOldest(): boolean {
    const { first } = this.#results;
    if (first === undefined) return false;
    this.#results.delete(first);
    this.#expire(first);
    return true;
  }

  close(): void {
    this.#results.close();
    this.#bytesOf.clear();
    this.#bytes = 0;
  }

  #expire(job: Job): void {
    this.#forget(job);
    this.#onExpired(job);
  }

  #forget(job: Job): void {
    this.#bytes -= this.#bytesOf.get(job) ?? 0;
    this.#bytesOf.delete(job);
  }
}
