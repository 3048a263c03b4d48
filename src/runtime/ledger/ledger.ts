/**
 * The ledger: it knows each accepted job until its result is there, and sees to it that there is
 * exactly one. A job that loses its consumers too often, takes too long or is cancelled gets its
 * failed result from here; a second result is refused; a result stays for a while after it was
 * fetched. The states of a job are drawn in `job.ts`.
 *
 * It joins the broker's queues with the documents of jobs, and keeps nothing of its own on the disk:
 * what it must know after a crash stands in the entries and marks of the store.
 */
import type {
  GivenUp,
  JobLedger,
  LeaseEnd,
  LedgerHost,
  LedgerStats,
  PushRefusal,
  QueuedMessage,
} from "../../broker/index.js";
import { epochSeconds, type Logger, messageOf } from "../../core/index.js";
import type { CancelOutcome, DeadAnswer, DeadQuestion } from "../../wire/index.js";
import { cancelledAnswer, damagedAnswer, givenUpAnswer } from "./answers.js";
import { DeadLetters } from "./dead-letters.js";
import { Deadlines } from "./deadlines.js";
import { type Job, newJob } from "./job.js";
import { JobIds } from "./job-ids.js";
import { KeptResults } from "./kept-results.js";
import { deadLetterBounds, type LedgerConfig, type StoreLimits } from "./options.js";

/** How soon an answer is tried again for which the disk had no room. */
const RETRY_MS = 1_000;

const nowMs = () => Math.round(epochSeconds() * 1000);

export class Ledger implements JobLedger {
  readonly #config: LedgerConfig;
  readonly #logger: Logger;
  readonly #jobs = new Map<string, Job>();
  readonly #deadlines = new Deadlines<Job>((job) => this.#onDeadline(job));
  /** Jobs of on-result queues whose consumers acknowledged them early. */
  readonly #leases = new Deadlines<Job>((job) => this.#onLeaseOver(job));
  readonly #results: KeptResults;
  readonly #dead: DeadLetters;
  readonly #counters = {
    accepted: 0,
    answered: 0,
    givenUp: 0,
    failed: 0,
    cancelled: 0,
    lateResults: 0,
    replayed: 0,
  };
  #openJobs = 0;
  #isClosed = false;
  #host!: LedgerHost;
  #ids!: JobIds;

  constructor(config: LedgerConfig & StoreLimits, { logger }: { readonly logger: Logger }) {
    this.#config = config;
    this.#logger = logger;
    this.#results = new KeptResults(config, logger, (job) => {
      if (job.task === undefined) this.#jobs.delete(job.id);
    });
    this.#dead = new DeadLetters(deadLetterBounds(config), (job) => this.#drop(job));
  }

  open(host: LedgerHost, secret: Buffer, messages: readonly QueuedMessage[]): void {
    this.close();
    this.#isClosed = false;
    this.#host = host;
    this.#ids = new JobIds(secret);
    this.#results.open(host);
    for (const message of inOrderOf(messages, "result", ({ fetchedAtMs }) => fetchedAtMs)) {
      this.#recoverResult(message);
    }
    for (const message of messages) this.#recoverFailure(message);
    for (const message of inOrderOf(messages, "job", ({ givenUp }) => givenUp?.atMs)) {
      this.#recoverTask(message);
    }
    this.#whenOpen(() => this.#dead.trim());
  }

  close(): void {
    this.#isClosed = true;
    // Who works for an on-result queue is not to blame for the stop.
    for (const { task } of this.#leases.all()) {
      if (task?.place === "leased") this.#host.mark(task, { kind: "returned" });
    }
    for (const kept of [this.#deadlines, this.#leases, this.#results]) kept.close();
    this.#jobs.clear();
    this.#dead.clear();
    this.#openJobs = 0;
  }

  newJobId(): string {
    return this.#ids.issue();
  }

  admit(queueName: string, leaseId: string | undefined): "message" | "result" | PushRefusal {
    const job = this.#jobs.get(queueName);
    if (job === undefined) {
      if (!this.#ids.isOurs(queueName)) return "message";
      return this.#refuseLate(queueName, "jobOver");
    }
    if (job.state === "over" || job.state === "ending") {
      return this.#refuseLate(queueName, "jobOver");
    }
    const { task } = job;
    const isHeld = task?.place === "leased" && task.lease?.id === leaseId;
    if (leaseId !== undefined && !isHeld) return this.#refuseLate(queueName, "leaseOver");
    if (job.state === "answering" || job.state === "storing") return "unavailable";
    job.state = "answering";
    return "result";
  }

  dismiss(jobId: string): void {
    const job = this.#jobs.get(jobId);
    if (job?.state !== "answering" && job?.state !== "storing") return;
    job.state = "open";
    const { deferred = [] } = job;
    this.#written(job);
    for (const action of deferred) {
      // One of them may have ended the job.
      if (job.state === "open") action();
    }
  }

  mayAnswer(jobId: string): boolean {
    const job = this.#jobs.get(jobId);
    if (job?.state !== "answering") {
      this.#refuseLate(jobId, "jobOver");
      return false;
    }
    job.state = "storing";
    return true;
  }

  stored(message: QueuedMessage): void {
    const { kind, id, queueName } = message.entry;
    if (kind === "job") {
      const job = newJob(id, "open");
      job.task = message;
      this.#jobs.set(id, job);
      this.#counters.accepted++;
      this.#openJobs++;
      this.#setDeadline(job, 0);
      return;
    }
    const job = this.#jobs.get(queueName) ?? newJob(queueName, "open");
    this.#jobs.set(queueName, job);
    this.#answeredBy(job, message);
    this.#written(job);
    this.#counters.answered++;
    this.#results.add(job);
  }

  acknowledged(message: QueuedMessage): Promise<void> | undefined {
    const { kind, id, queueName } = message.entry;
    const job = this.#jobs.get(kind === "result" ? queueName : id);
    if (job === undefined) return this.#host.remove(message);
    if (kind === "result") return this.#results.fetched(job);
    if (this.#config.queues[queueName]?.settle === "on-result") {
      this.#leases.add(job, this.#config.resultLeaseMs);
      return undefined;
    }
    const kept = this.#host.mark(message, { kind: "taken" });
    this.#host.setAside(message);
    job.isBodyLost = this.#host.forgetBody(message);
    return kept;
  }

  givenBack(message: QueuedMessage, end: LeaseEnd): "ready" | "aside" | "gone" {
    const { kind, id, queueName } = message.entry;
    const job = this.#jobs.get(kind === "result" ? queueName : id);
    if (kind === "result") return job === undefined ? "ready" : this.#results.notFetched(job);
    if (job === undefined || job.task !== message) return "gone";
    this.#leases.delete(job);
    if (job.state === "over" || job.state === "ending") return "aside";
    if (job.state !== "storing") return this.#returned(job, message, end);
    this.#defer(job, () => {
      const isHere = job.task === message && message.place === "aside";
      if (isHere && this.#returned(job, message, end) === "ready") this.#host.restore(message);
    });
    return "aside";
  }

  /** An open job came back from a consumer. */
  #returned(job: Job, message: QueuedMessage, end: LeaseEnd): "ready" | "aside" {
    const { deliveries } = message.entry;
    const { maxDeliveries } = this.#config;
    if (end !== "released" && deliveries >= maxDeliveries) {
      this.#giveUp(job, "deliveries", lostTooOften(deliveries, end));
      return "aside";
    }
    message.goesAlone = isLastChance(deliveries, maxDeliveries);
    return "ready";
  }

  damaged(message: QueuedMessage): void {
    const { kind, id, queueName } = message.entry;
    const job = this.#jobs.get(kind === "job" ? id : queueName);
    if (job === undefined) return;
    if (kind === "job") {
      job.task = undefined;
      this.#dead.delete(job);
      if (job.state === "over" || job.state === "ending") return;
    } else {
      this.#results.forget(job);
    }
    const end = () => void this.#end(job, damagedAnswer(kind === "job" ? "job" : "result"));
    if (job.state === "storing") this.#defer(job, end);
    else end();
  }

  reopen(queueName: string): boolean {
    return this.#results.reopen(this.#jobs.get(queueName));
  }

  expiryOf(queueName: string): string | undefined {
    const job = this.#jobs.get(queueName);
    // A dead letter outlives its failed result.
    const isExpired = job?.state === "over" && job.result === undefined;
    if (!isExpired && (job !== undefined || !this.#ids.isOurs(queueName))) return undefined;
    return this.#results.describeExpiry(queueName);
  }

  relieve(): boolean {
    return this.#results.relieve();
  }

  async cancel(jobId: string): Promise<CancelOutcome> {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return this.#ids.isOurs(jobId) ? "over" : "unknown";
    while (job.state === "storing") await this.#whenWritten(job);
    if (job.state === "open" || job.state === "answering") {
      job.isCancelled = true;
      this.#counters.cancelled++;
      this.#logger.info({ jobId }, "a job was cancelled");
      this.#takeAway(job);
      await this.#end(job, cancelledAnswer());
      return "cancelled";
    }
    await job.ended;
    return job.isCancelled ? "cancelled" : "over";
  }

  async dead(question: DeadQuestion): Promise<DeadAnswer> {
    switch (question.action) {
      case "list":
        return this.#dead.list(question.after);
      case "show":
        return this.#dead.show(question.jobId, (task) => this.#host.read(task));
      case "replay":
        return this.#forEachDead(question.jobId, (job) => this.#replay(job));
      case "drop":
        return this.#forEachDead(question.jobId, (job) => this.#drop(job));
    }
  }

  getStats(): LedgerStats {
    return {
      openJobs: this.#openJobs,
      retainedResults: this.#results.retainedCount,
      expiredResults: this.#results.expiredCount,
      deadLetters: this.#dead.count,
      ...this.#counters,
    };
  }

  #recoverResult(message: QueuedMessage): void {
    const { queueName, fetchedAtMs, storedAtMs } = message.entry;
    const job = newJob(queueName, "over");
    job.result = message;
    this.#jobs.set(queueName, job);
    if (fetchedAtMs === undefined) this.#results.add(job, storedAtMs);
    else {
      message.place = "aside";
      this.#whenOpen(() => this.#results.addFetched(job, fetchedAtMs));
    }
  }

  /** The end came between a failed result and the marks of its task: the result tells them. */
  #recoverFailure(message: QueuedMessage): void {
    const { kind, id, givenUp } = message.entry;
    const result = this.#jobs.get(id)?.result;
    if (kind !== "job" || givenUp !== undefined || result === undefined) return;
    const why = failureTold(result);
    if (why !== undefined) this.#host.mark(message, { kind: "givenUp", why });
  }

  #recoverTask(message: QueuedMessage): void {
    const { id, givenUp, isTaken, isAnswered, deliveries, sinceMs } = message.entry;
    const known = this.#jobs.get(id);
    if (known !== undefined && givenUp === undefined) {
      // Its result is there; the crash came before its task was removed.
      message.place = "gone";
      return;
    }
    const job = known ?? newJob(id, isAnswered ? "over" : "open");
    job.task = message;
    this.#jobs.set(id, job);
    if (givenUp !== undefined) {
      message.place = "aside";
      this.#dead.add(job);
      if (job.state === "open") {
        this.#openJobs++;
        this.#whenOpen(() => void this.#end(job, givenUpAnswer(givenUp.reason)));
      } else if (!isAnswered) {
        this.#host.mark(message, { kind: "answered" });
      }
      return;
    }
    this.#openJobs++;
    this.#setDeadline(job, age(sinceMs));
    const { maxDeliveries } = this.#config;
    if (isTaken) message.place = "aside";
    else if (deliveries >= maxDeliveries) {
      message.place = "aside";
      this.#whenOpen(() => this.#giveUp(job, "deliveries", lostTooOften(deliveries, "lost")));
    } else message.goesAlone = isLastChance(deliveries, maxDeliveries);
  }

  /** What changes queues has to wait until they have taken over what the store held. */
  #whenOpen(action: () => void): void {
    queueMicrotask(() => {
      if (!this.#isClosed) action();
    });
  }

  #setDeadline(job: Job, ageMs: number): void {
    const { jobTimeoutMs } = this.#config;
    if (jobTimeoutMs > 0) this.#deadlines.add(job, Math.max(0, jobTimeoutMs - ageMs));
  }

  #defer(job: Job, action: () => void): void {
    job.deferred ??= [];
    job.deferred.push(action);
  }

  /** Its result is stored, or could not be. */
  #written(job: Job): void {
    const { waiting = [] } = job;
    job.waiting = undefined;
    job.deferred = undefined;
    for (const go of waiting) go();
  }

  #whenWritten(job: Job): Promise<void> {
    return new Promise((resolve) => {
      job.waiting ??= [];
      job.waiting.push(resolve);
    });
  }

  #onDeadline(job: Job): void {
    if (job.state === "storing") {
      this.#defer(job, () => this.#onDeadline(job));
      return;
    }
    if (job.state !== "open" && job.state !== "answering") return;
    const { jobTimeoutMs } = this.#config;
    this.#giveUp(job, "deadline", `no result came within ${jobTimeoutMs} ms (jobTimeoutMs)`);
  }

  #onLeaseOver({ id, task }: Job): void {
    if (task?.place !== "leased") return;
    this.#logger.warn({ jobId: id }, "no result came from an old consumer; the job goes back");
    this.#host.expire(task);
  }

  #refuseLate(jobId: string, refusal: PushRefusal): PushRefusal {
    this.#counters.lateResults++;
    this.#logger.warn({ jobId, refusal }, "a late result was refused");
    return refusal;
  }

  /** The job has its result, whoever gave it. */
  #answeredBy(job: Job, result: QueuedMessage): void {
    const { task } = job;
    job.result = result;
    job.state = "over";
    this.#openJobs--;
    this.#deadlines.delete(job);
    this.#leases.delete(job);
    if (task === undefined) return;
    const why = failureTold(result);
    if (why !== undefined) {
      this.#counters.failed++;
      this.#logger.info({ jobId: job.id }, "a job failed and is kept as a dead letter");
      this.#bury(job, task, why);
    }
    if (task.entry.givenUp !== undefined) {
      this.#host.mark(task, { kind: "answered" });
      this.#dead.trim();
      return;
    }
    job.task = undefined;
    this.#host.remove(task);
  }

  /** Out of whoever's hands; who works on it hears it. */
  #takeAway({ task }: Job): void {
    if (task === undefined) return;
    this.#host.setAside(task);
    this.#host.revoke(task);
  }

  #giveUp(job: Job, cause: string, reason: string): void {
    const { task, id } = job;
    this.#counters.givenUp++;
    this.#logger.warn({ jobId: id, cause, reason }, "a job was given up");
    if (task !== undefined) {
      this.#bury(job, task, { atMs: nowMs(), cause, reason });
      this.#host.revoke(task);
      this.#dead.trim();
    }
    void this.#end(job, givenUpAnswer(reason));
  }

  /** The job's task becomes a dead letter. Its holder hears nothing of it by this alone. */
  #bury(job: Job, task: QueuedMessage, why: GivenUp): void {
    this.#host.mark(task, { kind: "givenUp", why });
    this.#host.setAside(task);
    this.#dead.add(job);
  }

  /** Stores the ledger's own answer, however long that takes. */
  #end(job: Job, body: Buffer): Promise<void> {
    if (job.state === "over") this.#openJobs++;
    job.state = "ending";
    this.#deadlines.delete(job);
    job.ended = this.#answer(job.id, body);
    return job.ended;
  }

  async #answer(jobId: string, body: Buffer): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#host.answer(jobId, body);
        return;
      } catch (error) {
        this.#logger.error({ jobId, error: messageOf(error) }, "a failed result cannot be stored");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  #forEachDead(jobId: string | undefined, action: (job: Job) => boolean): DeadAnswer {
    const jobs = jobId === undefined ? this.#dead.all() : this.#dead.get(jobId);
    const count = jobs.filter(action).length;
    return { letters: [], count };
  }

  /** Whether it is a job again; it keeps its id, and the answer that it had is taken back. */
  #replay(job: Job): boolean {
    const { task, result, id } = job;
    if (task === undefined || job.isBodyLost || job.state !== "over") return false;
    this.#dead.delete(job);
    if (result !== undefined) {
      this.#results.forget(job);
      this.#host.remove(result);
    }
    this.#host.mark(task, { kind: "revived", atMs: nowMs() });
    job.state = "open";
    job.ended = undefined;
    this.#openJobs++;
    this.#counters.replayed++;
    this.#setDeadline(job, 0);
    this.#logger.info({ jobId: id }, "a dead letter was replayed");
    task.goesAlone = false;
    this.#host.restore(task);
    return true;
  }

  #drop(job: Job): boolean {
    const { task, id } = job;
    if (task === undefined || job.state !== "over") return false;
    this.#dead.delete(job);
    job.task = undefined;
    this.#host.remove(task);
    this.#logger.info({ jobId: id }, "a dead letter was dropped");
    if (job.result === undefined) this.#jobs.delete(id);
    return true;
  }
}

/** Deadlines are added in the order in which they end; a store's order is that of acceptance. */
function inOrderOf(
  messages: readonly QueuedMessage[],
  wanted: "job" | "result",
  lastMs: (entry: QueuedMessage["entry"]) => number | undefined,
): QueuedMessage[] {
  const atMs = ({ entry }: QueuedMessage) => lastMs(entry) ?? entry.sinceMs;
  const found = messages.filter(({ entry }) => entry.kind === wanted);
  return found.sort((a, b) => atMs(a) - atMs(b));
}

function age(atMs: number): number {
  return Math.max(0, nowMs() - atMs);
}

function isLastChance(deliveries: number, maxDeliveries: number): boolean {
  return maxDeliveries > 1 && deliveries === maxDeliveries - 1;
}

/** Why the job of a result is a dead letter, if the result says that it failed. */
function failureTold({ entry }: QueuedMessage): GivenUp | undefined {
  const { failed, storedAtMs } = entry;
  return failed === undefined ? undefined : { atMs: storedAtMs, cause: "failed", reason: failed };
}

function lostTooOften(deliveries: number, end: LeaseEnd): string {
  const isOne = deliveries === 1;
  const who = isOne ? "1 consumer" : `${deliveries} consumers`;
  const kept = isOne ? "kept it longer than its lease" : "kept it longer than their lease";
  const lost = isOne ? "was lost while it had it" : "were lost while they had it";
  return `${who} ${end === "expired" ? kept : lost} (maxDeliveries)`;
}
