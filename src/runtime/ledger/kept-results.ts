/**
 * What becomes of results: they wait for their first fetch, are kept for another one, and go. When
 * one went can be told afterwards. Knows nothing of how a job came to its result.
 */
import type { LedgerHost } from "../../broker/index.js";
import { epochSeconds, type Logger } from "../../core/index.js";
import { Deadlines } from "./deadlines.js";
import { ExpiredResults } from "./expired-results.js";
import type { Job } from "./job.js";
import type { LedgerConfig } from "./options.js";
import { RetainedResults } from "./retained-results.js";

const nowMs = () => Math.round(epochSeconds() * 1000);
const age = (atMs: number) => Math.max(0, nowMs() - atMs);

export class KeptResults {
  readonly #config: LedgerConfig;
  readonly #logger: Logger;
  readonly #onGone: (job: Job) => void;
  readonly #unfetched = new Deadlines<Job>((job) => this.#expire(job));
  readonly #retained: RetainedResults;
  #expired = new ExpiredResults(nowMs());
  #expiredCount = 0;
  #host!: LedgerHost;

  /** @param onGone called when the result of this job is kept no more. */
  constructor(config: LedgerConfig, logger: Logger, onGone: (job: Job) => void) {
    this.#config = config;
    this.#logger = logger;
    this.#onGone = onGone;
    this.#retained = new RetainedResults(config, (job) => this.#expire(job));
  }

  get retainedCount(): number {
    return this.#retained.count;
  }

  get expiredCount(): number {
    return this.#expiredCount;
  }

  open(host: LedgerHost): void {
    this.#host = host;
    this.#expired = new ExpiredResults(nowMs());
  }

  close(): void {
    this.#unfetched.close();
    this.#retained.close();
  }

  /** The job has a result that nobody has fetched, since `sinceMs` (milliseconds since 1970). */
  add(job: Job, sinceMs = nowMs()): void {
    const { unfetchedRetentionMs } = this.#config;
    if (unfetchedRetentionMs === 0) return;
    this.#unfetched.add(job, Math.max(0, unfetchedRetentionMs - age(sinceMs)));
  }

  /** The job's result was fetched before the store was opened. */
  addFetched(job: Job, fetchedAtMs: number): void {
    this.#retained.add(job, age(fetchedAtMs));
  }

  /** A consumer has acknowledged the job's result. */
  fetched(job: Job): Promise<void> | undefined {
    const { result } = job;
    if (result === undefined) return undefined;
    this.#unfetched.delete(job);
    const kept = this.#host.mark(result, { kind: "fetched", atMs: nowMs() });
    this.#host.setAside(result);
    this.#retained.add(job, 0);
    // Somebody else asked while it was being fetched.
    if (result.queue.waiterCount > 0) this.#host.restore(result);
    return kept;
  }

  /** A consumer gave the result back. Its time, which may have ended meanwhile, begins anew. */
  notFetched(job: Job): "ready" | "aside" {
    const { result } = job;
    if (result?.entry.fetchedAtMs === undefined) {
      this.add(job);
      return "ready";
    }
    this.#retained.add(job, 0);
    return result.queue.waiterCount > 0 ? "ready" : "aside";
  }

  /** The job has no result any more, for other reasons than its time. */
  forget(job: Job): void {
    this.#retained.delete(job);
    this.#unfetched.delete(job);
    job.result = undefined;
  }

  /** A fetched result goes back into its queue for another fetch; whether there was one. */
  reopen(job: Job | undefined): boolean {
    if (job?.result?.place !== "aside") return false;
    this.#host.restore(job.result);
    return true;
  }

  /** Gives up the oldest fetched result; whether there was one. */
  relieve(): boolean {
    return this.#retained.expireOldest();
  }

  /** When the result of a job went that is not known any more. */
  describeExpiry(jobId: string): string {
    return this.#expired.describe(jobId);
  }

  #expire(job: Job): void {
    const { result, id } = job;
    // One that is being fetched once more is kept for that.
    if (result === undefined || result.place === "leased") return;
    job.result = undefined;
    this.#host.remove(result);
    this.#expiredCount++;
    this.#expired.add(id, nowMs());
    this.#logger.debug({ jobId: id }, "a result is kept no more");
    this.#onGone(job);
  }
}
