/** Where control messages come from. */
import type { IngestControlMessage } from "../message/index.js";

export interface GetMessageOptions {
  /** Ends the wait; the promise then resolves to `undefined` and no message is lost. */
  readonly signal?: AbortSignal;
  /** The longest wait in milliseconds. Without it the source waits as long as it thinks fit. */
  readonly timeoutMs?: number;
}

/** What a source can tell of the delivery behind a message. It stays beside the message, never in it. */
export interface DeliveryFacts {
  /** Names the delivery: its result goes with it, so that only one consumer's counts. */
  readonly leaseId?: string | undefined;
  /** Fires when the job is this consumer's no more: work on it is in vain from then on. */
  readonly lost?: AbortSignal | undefined;
}

/**
 * A source hands out control messages and keeps the delivery of each beside it, never in it.
 *
 * The pipeline calls, per message and in this order: `getMessage`, then exactly one of `acknowledge`
 * (its result is stored) and `release` (it goes back to its old place). Several messages may be out
 * at once. What is neither acknowledged nor released is released by `stop`. A message whose delivery
 * is lost is released too: that only lets go of it, since there is nothing to give back.
 */
export interface Source {
  /**
   * The next message, or `undefined` when none came. A job that cannot be opened comes as a failed
   * message, so that its client gets an answer.
   *
   * @throws a `transport` error when what feeds the source cannot be reached.
   */
  getMessage(options?: GetMessageOptions): Promise<IngestControlMessage | undefined>;
  /** Of a message that was handed out and not settled yet; undefined of any other. */
  deliveryOf?(message: IngestControlMessage): DeliveryFacts | undefined;
  /** @throws when the delivery is lost; its signal has fired then. */
  acknowledge(message: IngestControlMessage): Promise<void>;
  release(message: IngestControlMessage): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Plain JSON; counters only rise. */
  getStats(): object;
}
