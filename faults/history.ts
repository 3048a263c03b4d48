/**
 * What clients saw, in the order in which they saw it, and the check that all of it could have come
 * from a broker that keeps its promises. The check knows nothing of how a broker works.
 *
 * Times are places in the history: an event that was noted before another happened before it, for a
 * request is noted before it is sent and an answer after it has come.
 */

export type Event =
  /** A push is about to be sent, for the first time. Bodies are unique in a history. */
  | { readonly kind: "asked"; readonly queue: string; readonly body: string }
  /** Its final response has come. With `jobId` it is a job that was accepted. */
  | {
      readonly kind: "acknowledged";
      readonly queue: string;
      readonly body: string;
      readonly jobId?: string;
    }
  /** A consumer has the message and has not acknowledged it. */
  | { readonly kind: "delivered"; readonly queue: string; readonly body: string }
  /** Its acknowledgement is about to be sent. */
  | { readonly kind: "settling"; readonly queue: string; readonly body: string }
  /** The final response to that has come. */
  | { readonly kind: "settled"; readonly queue: string; readonly body: string }
  /** A client fetched the result of a job. */
  | { readonly kind: "result"; readonly jobId: string; readonly text: string };

export interface Promises {
  /** Everything was fetched in the end: what is missing is lost. */
  readonly isDrained: boolean;
  /** Queues that had one consumer, with one message at a time. */
  readonly orderedQueues: readonly string[];
  /** Jobs must have ended. */
  readonly hasResults: boolean;
}

/** One thing that a broker which keeps its promises cannot have done. */
export interface Violation {
  readonly kind: "lost" | "phantom" | "duplicate" | "order" | "noResult" | "twoResults";
  readonly what: string;
}

export class History {
  readonly events: Event[] = [];

  note(event: Event): void {
    this.events.push(event);
  }

  /** How many events are of the kind. */
  count(kind: Event["kind"]): number {
    return this.events.reduce((sum, event) => sum + (event.kind === kind ? 1 : 0), 0);
  }
}

/** What is known of one message at a place in the history. */
interface Message {
  askedAt: number;
  acknowledgedAt: number | undefined;
  jobId: string | undefined;
  deliveries: number;
  settledCount: number;
}

/** What is known of a queue with one consumer. */
interface Line {
  /** The latest place at which one of the messages that were delivered was asked for. */
  latestAskedAt: number;
  /** Delivered last. */
  last: string | undefined;
  /** The consumer acknowledged the last one, so that another may follow. */
  isSettling: boolean;
}

export function checkHistory(events: readonly Event[], promises: Promises): Violation[] {
  const check = new Check(promises);
  for (const [at, event] of events.entries()) check.take(event, at);
  check.end();
  return check.violations;
}

class Check {
  readonly violations: Violation[] = [];
  readonly #promises: Promises;
  readonly #messages = new Map<string, Message>();
  readonly #lines: ReadonlyMap<string, Line>;
  readonly #results = new Map<string, string>();
  readonly #jobIds = new Set<string>();

  constructor(promises: Promises) {
    this.#promises = promises;
    this.#lines = new Map<string, Line>(
      promises.orderedQueues.map((queue) => [
        queue,
        { latestAskedAt: -1, last: undefined, isSettling: true },
      ]),
    );
  }

  take(event: Event, at: number): void {
    if (event.kind === "result") {
      this.#takeResult(event.jobId, event.text);
      return;
    }
    const { kind, queue, body } = event;
    const key = `${queue} ${body}`;
    if (kind === "asked") {
      const message = { askedAt: at, acknowledgedAt: undefined, jobId: undefined };
      this.#messages.set(key, { ...message, deliveries: 0, settledCount: 0 });
      return;
    }
    const message = this.#messages.get(key);
    if (message === undefined) {
      this.#say("phantom", `${kind}, and nobody pushed it: ${short(key)}`);
      return;
    }
    if (kind === "acknowledged") {
      message.acknowledgedAt ??= at;
      this.#accept(event.jobId, message);
    } else if (kind === "delivered") this.#deliver(key, queue, message);
    else if (kind === "settling") {
      const line = this.#lines.get(queue);
      if (line?.last === key) line.isSettling = true;
    } else {
      message.settledCount++;
      if (message.settledCount > 1) this.#say("duplicate", `settled twice: ${short(key)}`);
    }
  }

  end(): void {
    for (const [key, { acknowledgedAt, deliveries, jobId }] of this.#messages) {
      const isMissed = this.#promises.isDrained && jobId === undefined;
      if (isMissed && acknowledgedAt !== undefined && deliveries === 0) {
        this.#say("lost", `acknowledged and never delivered: ${short(key)}`);
      }
      if (this.#promises.hasResults && jobId !== undefined && !this.#results.has(jobId)) {
        this.#say("noResult", `job ${jobId} was accepted and has no result`);
      }
    }
    for (const jobId of this.#results.keys()) {
      if (!this.#jobIds.has(jobId)) this.#say("phantom", `a result of a job nobody has: ${jobId}`);
    }
  }

  #accept(jobId: string | undefined, message: Message): void {
    if (jobId === undefined) return;
    if (message.jobId !== undefined && message.jobId !== jobId) {
      this.#say("duplicate", `one push became two jobs: ${message.jobId} and ${jobId}`);
    } else if (message.jobId === undefined && this.#jobIds.has(jobId)) {
      this.#say("duplicate", `two pushes became one job: ${jobId}`);
    }
    message.jobId = jobId;
    this.#jobIds.add(jobId);
  }

  #deliver(key: string, queue: string, message: Message): void {
    message.deliveries++;
    if (message.settledCount > 0) {
      this.#say("duplicate", `delivered after it was settled: ${short(key)}`);
    }
    const line = this.#lines.get(queue);
    if (line === undefined) return;
    const { last, isSettling } = line;
    if (last !== undefined && last !== key && (!isSettling || message.deliveries > 1)) {
      this.#say("order", `${short(last)} or ${short(key)} lost its place`);
    }
    if (message.deliveries === 1) {
      const { acknowledgedAt } = message;
      if (acknowledgedAt !== undefined && acknowledgedAt < line.latestAskedAt) {
        this.#say("order", `${short(key)} came after one that was pushed later`);
      }
      line.latestAskedAt = Math.max(line.latestAskedAt, message.askedAt);
    }
    line.last = key;
    line.isSettling = false;
  }

  #takeResult(jobId: string, text: string): void {
    const known = this.#results.get(jobId);
    if (known !== undefined && known !== text) {
      this.#say("twoResults", `job ${jobId} has two results`);
    }
    this.#results.set(jobId, text);
  }

  #say(kind: Violation["kind"], what: string): void {
    this.violations.push({ kind, what });
  }
}

/** How many violations there are of each kind, as `lost 0, …` for the kinds that are named. */
export function tell(
  violations: readonly Violation[],
  kinds: readonly Violation["kind"][],
): string {
  const count = (kind: Violation["kind"]) => violations.filter((each) => each.kind === kind).length;
  return kinds.map((kind) => `${kind} ${count(kind)}`).join(", ");
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
