/** Jobs that were given up, oldest first, and what is told of them. */
import type { QueuedMessage } from "../../broker/index.js";
import { isoTime } from "../../core/index.js";
import { DEAD_LIST_MAX, type DeadAnswer, type DeadLetter, decodeBody } from "../../wire/index.js";
import type { Job } from "./job.js";

export class DeadLetters {
  readonly #letters = new Map<string, Job>();
  readonly #max: number;
  readonly #drop: (job: Job) => boolean;

  /** @param drop ends the oldest when there are more than `max`; false: it cannot be ended now. */
  constructor(max: number, drop: (job: Job) => boolean) {
    this.#max = max;
    this.#drop = drop;
  }

  get count(): number {
    return this.#letters.size;
  }

  add(job: Job): void {
    this.#letters.set(job.id, job);
  }

  /** Drops the oldest beyond the limit, as far as they can be dropped now. */
  trim(): void {
    for (const oldest of this.#letters.values()) {
      if (this.#letters.size <= this.#max) return;
      this.#drop(oldest);
    }
  }

  delete({ id }: Job): void {
    this.#letters.delete(id);
  }

  clear(): void {
    this.#letters.clear();
  }

  all(): Job[] {
    return [...this.#letters.values()];
  }

  get(jobId: string): Job[] {
    const job = this.#letters.get(jobId);
    return job === undefined ? [] : [job];
  }

  /** At most `DEAD_LIST_MAX` of those after the job `after`; `count` is that of all. */
  list(after: string | undefined): DeadAnswer {
    const letters: DeadLetter[] = [];
    let isAfter = after === undefined || !this.#letters.has(after);
    for (const job of this.#letters.values()) {
      if (isAfter && letters.length < DEAD_LIST_MAX) letters.push(describe(job));
      if (job.id === after) isAfter = true;
    }
    return { letters, count: this.#letters.size };
  }

  /** With the job's text, unless that is lost. */
  async show(jobId: string, read: (task: QueuedMessage) => Promise<Buffer>): Promise<DeadAnswer> {
    const job = this.#letters.get(jobId);
    if (job?.task === undefined) return { letters: [], count: 0 };
    const letter = describe(job);
    if (job.isBodyLost) return { letters: [letter], count: 1 };
    const message = decodeBody(await read(job.task));
    return { letters: [{ ...letter, message }], count: 1 };
  }
}

function describe({ id, task }: Job): DeadLetter {
  const { entry } = task as QueuedMessage;
  const { givenUp } = entry;
  return {
    job_id: id,
    queue_name: entry.queueName,
    cause: givenUp?.cause ?? "",
    reason: givenUp?.reason ?? "",
    deliveries: entry.deliveries,
    stored_at: isoTime(entry.storedAtMs / 1000),
    given_up_at: isoTime((givenUp?.atMs ?? entry.storedAtMs) / 1000),
    bytes: entry.bodyBytes,
  };
}
