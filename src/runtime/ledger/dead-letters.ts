/** Jobs that were given up, oldest first, within their bounds, and what is told of them. */
import type { QueuedMessage } from "../../broker/index.js";
import { isoTime } from "../../core/index.js";
import { DEAD_LIST_MAX, type DeadAnswer, type DeadLetter, decodeBody } from "../../wire/index.js";
import type { Job } from "./job.js";

/** What a letter costs besides its texts, rounded up. */
const LETTER_BYTES = 1_024;

export interface DeadLetterBounds {
  readonly maxDeadLetters: number;
  readonly maxDeadLetterBytes: number;
}

interface Kept {
  readonly job: Job;
  readonly bytes: number;
}

export class DeadLetters {
  readonly #letters = new Map<string, Kept>();
  readonly #bounds: DeadLetterBounds;
  readonly #drop: (job: Job) => boolean;
  #bytes = 0;

  /** @param drop ends the oldest when there are too many; false: it cannot be ended now. */
  constructor(bounds: DeadLetterBounds, drop: (job: Job) => boolean) {
    this.#bounds = bounds;
    this.#drop = drop;
  }

  get count(): number {
    return this.#letters.size;
  }

  /** The job was given up, and its task tells why. */
  add(job: Job): void {
    this.delete(job);
    const bytes = bytesOf(job);
    this.#letters.set(job.id, { job, bytes });
    this.#bytes += bytes;
  }

  /** Drops the oldest beyond the bounds, as far as they can be dropped now. */
  trim(): void {
    const { maxDeadLetters, maxDeadLetterBytes } = this.#bounds;
    for (const { job } of this.#letters.values()) {
      if (this.#letters.size <= maxDeadLetters && this.#bytes <= maxDeadLetterBytes) return;
      this.#drop(job);
    }
  }

  delete({ id }: Job): void {
    this.#bytes -= this.#letters.get(id)?.bytes ?? 0;
    this.#letters.delete(id);
  }

  clear(): void {
    this.#letters.clear();
    this.#bytes = 0;
  }

  all(): Job[] {
    return [...this.#letters.values()].map(({ job }) => job);
  }

  get(jobId: string): Job[] {
    const kept = this.#letters.get(jobId);
    return kept === undefined ? [] : [kept.job];
  }

  /** At most `DEAD_LIST_MAX` of those after the job `after`; `count` is that of all. */
  list(after: string | undefined): DeadAnswer {
    const letters: DeadLetter[] = [];
    let isAfter = after === undefined || !this.#letters.has(after);
    for (const { job } of this.#letters.values()) {
      if (isAfter && letters.length < DEAD_LIST_MAX) letters.push(describe(job));
      if (job.id === after) isAfter = true;
    }
    return { letters, count: this.#letters.size };
  }

  /** With the job's text, unless that is lost. */
  async show(jobId: string, read: (task: QueuedMessage) => Promise<Buffer>): Promise<DeadAnswer> {
    const job = this.#letters.get(jobId)?.job;
    if (job?.task === undefined) return { letters: [], count: 0 };
    const letter = describe(job);
    if (job.isBodyLost) return { letters: [letter], count: 1 };
    const message = decodeBody(await read(job.task));
    return { letters: [{ ...letter, message }], count: 1 };
  }
}

function bytesOf({ task }: Job): number {
  const { bodyBytes, givenUp } = (task as QueuedMessage).entry;
  return bodyBytes + (givenUp?.reason.length ?? 0) + LETTER_BYTES;
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
