/**
 * Where a broker asks what becomes of jobs. The broker itself knows messages, leases and queues; that
 * each accepted job gets exactly one result is the business of a ledger, which joins queues with the
 * documents of jobs and therefore lives in another room.
 */
import type { CancelOutcome, DeadAnswer, DeadQuestion } from "../wire/index.js";
import type { QueuedMessage } from "./queue.js";
import type { Mark } from "./store/entry.js";

/** Why a push is not taken. `unavailable` passes soon; `jobOver` and `leaseOver` never do. */
export type PushRefusal = "full" | "unavailable" | "jobOver" | "leaseOver";

/**
 * How a lease ended: by its holder in good order, by the end of its holder's connection, or because
 * its time was over.
 */
export type LeaseEnd = "released" | "lost" | "expired";

/** What the queues do for a ledger. */
export interface LedgerHost {
  /** From aside back into the line. */
  restore(message: QueuedMessage): void;
  /** Out of the line or out of its holder's hands; it stays in the store. */
  setAside(message: QueuedMessage): void;
  /** Ends the lease, if there is one, and tells its holder. */
  revoke(message: QueuedMessage): void;
  /** Gone for good. Its holder hears nothing: its acknowledgement will be taken as a good one. */
  remove(message: QueuedMessage): Promise<void> | undefined;
  /** Ends a lease whose holder has no connection any more, as if its time were over. */
  expire(message: QueuedMessage): void;
  mark(message: QueuedMessage, mark: Mark): Promise<void> | undefined;
  /** The body is not needed in memory any more. Whether it is lost by that. */
  forgetBody(message: QueuedMessage): boolean;
  /** @throws STORE_DAMAGED, and the message is gone then. */
  read(message: QueuedMessage): Promise<Buffer>;
  /** Stores the ledger's own answer in the job's queue, whatever the limits say. */
  answer(jobId: string, body: Buffer): Promise<void>;
}

export interface LedgerStats {
  /** Jobs accepted and not yet answered. */
  openJobs: number;
  /** Fetched results that are kept for another fetch. */
  retainedResults: number;
  deadLetters: number;
  /** Counters from here on. */
  accepted: number;
  answered: number;
  /** Jobs that were given up and got a failed result. */
  givenUp: number;
  /** Jobs that became dead letters because a consumer's result said that they failed. */
  failed: number;
  cancelled: number;
  /** Results that came for a job that was over, or from a lease that was. */
  lateResults: number;
  expiredResults: number;
  replayed: number;
}

/** The calls are synchronous where they change something: between two of them nothing happens. */
export interface JobLedger {
  /** A life begins: what a store held, by sequence. Sets `place` of each, `ready` or else. */
  open(host: LedgerHost, secret: Buffer, messages: readonly QueuedMessage[]): void;
  /** No timer is left. */
  close(): void;
  newJobId(): string;
  /** What a push into this queue is; the result of a job keeps other results out until it ended. */
  admit(queueName: string, leaseId: string | undefined): "message" | "result" | PushRefusal;
  /** The push that was admitted as a result came to nothing. */
  dismiss(jobId: string): void;
  /** Whether a result that was admitted may still be stored: its job may have ended meanwhile. */
  mayAnswer(jobId: string): boolean;
  /** A job or a result is stored and about to be ready. */
  stored(message: QueuedMessage): void;
  /** A job or a result was acknowledged by its holder. */
  acknowledged(message: QueuedMessage): Promise<void> | undefined;
  /** A job or a result was given back. Says where it goes, and whether alone. */
  givenBack(message: QueuedMessage, end: LeaseEnd): "ready" | "aside" | "gone";
  /** A job or a result whose body is damaged; it was removed. */
  damaged(message: QueuedMessage): void;
  /** A result that is kept for another fetch goes back into its empty queue; whether there was one. */
  reopen(queueName: string): boolean;
  /** Why nothing will ever come in this queue; undefined when something may. */
  expiryOf(queueName: string): string | undefined;
  /** Memory is short: gives up the oldest result that was fetched already; whether there was one. */
  relieve(): boolean;
  cancel(jobId: string): Promise<CancelOutcome>;
  dead(question: DeadQuestion): Promise<DeadAnswer>;
  getStats(): LedgerStats;
}
