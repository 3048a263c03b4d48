/**
 * Dead letters: jobs that failed, or that a broker has given up, and that it keeps aside. They are told of, put back or thrown
 * away. How the question reaches the broker is the client's business.
 */
import type { DeadAnswer, DeadQuestion, DeadLetter as WireDeadLetter } from "../wire/index.js";
import type { CallOptions } from "./call-options.js";

/** A job that was given up, or that a consumer has answered as failed. */
export interface DeadLetter {
  readonly jobId: string;
  /** Where the job waited, and where `replay` puts it back. */
  readonly queueName: string;
  /** What made it dead: `deliveries`, `deadline`, or `failed` by the word of its consumer. */
  readonly cause: string;
  /** A sentence for people. */
  readonly reason: string;
  /** How often a consumer had it. */
  readonly deliveries: number;
  /** ISO 8601. */
  readonly storedAt: string;
  /** ISO 8601. */
  readonly givenUpAt: string;
  /** Length of the job's text, in bytes. */
  readonly bytes: number;
  /** The job's text; only from `show`. */
  readonly message?: string;
}

/** Some of the dead letters, oldest first. */
export interface DeadLetterPage {
  /** At most 1,000. */
  readonly letters: readonly DeadLetter[];
  /** How many there are in all. */
  readonly count: number;
}

export interface DeadListOptions extends CallOptions {
  /** Only those that follow this job: the last one of the page before. */
  readonly after?: string | undefined;
}

/** One dead letter or all of them; all is never what was left out by mistake. */
export type DeadChoice = { readonly jobId: string } | { readonly all: true };

/**
 * Every call also throws CLIENT_FEATURE_MISSING where the broker keeps no dead letters, and what
 * `size` throws. A call whose connection is lost is repeated, so `replay` and `drop` may then count
 * too few: what the lost call did is done.
 */
export interface DeadLetters {
  /** A page of them, without the texts of the jobs. */
  list(options?: DeadListOptions): Promise<DeadLetterPage>;
  /** One with its text; undefined when there is none for this job. */
  show(jobId: string, options?: CallOptions): Promise<DeadLetter | undefined>;
  /** Puts jobs back into their queues, as if nobody had touched them. How many there were. */
  replay(which: DeadChoice, options?: CallOptions): Promise<number>;
  /** Throws jobs away for good. How many there were. */
  drop(which: DeadChoice, options?: CallOptions): Promise<number>;
}

/** Puts a question to the broker, within the bounds of a call. */
type AskDead = (question: DeadQuestion, options: CallOptions) => Promise<DeadAnswer>;

/** The four calls as questions, the same for all clients. */
export function deadLettersBy(ask: AskDead): DeadLetters {
  const settle =
    (action: "replay" | "drop") =>
    async (which: DeadChoice, options: CallOptions = {}) =>
      (await ask({ action, jobId: chosen(which) }, options)).count;
  return {
    async list({ after, ...options } = {}) {
      const { letters, count } = await ask({ action: "list", after }, options);
      return { letters: letters.map(letterOf), count };
    },
    async show(jobId, options = {}) {
      const { letters } = await ask({ action: "show", jobId: checkId(jobId) }, options);
      const [letter] = letters;
      return letter && letterOf(letter);
    },
    replay: settle("replay"),
    drop: settle("drop"),
  };
}

/** Without a job's id the broker takes all: only who says `all` may mean that. */
function chosen(which: DeadChoice): string | undefined {
  if ("all" in which && which.all === true) return undefined;
  return checkId((which as { readonly jobId?: unknown }).jobId);
}

function checkId(jobId: unknown): string {
  if (typeof jobId === "string" && jobId !== "") return jobId;
  throw new TypeError("a dead letter is chosen by { jobId: text }, all of them by { all: true }");
}

function letterOf(letter: WireDeadLetter): DeadLetter {
  const { message } = letter;
  return {
    jobId: letter.job_id,
    queueName: letter.queue_name,
    cause: letter.cause,
    reason: letter.reason,
    deliveries: letter.deliveries,
    storedAt: letter.stored_at,
    givenUpAt: letter.given_up_at,
    bytes: letter.bytes,
    ...(message !== undefined && { message }),
  };
}
