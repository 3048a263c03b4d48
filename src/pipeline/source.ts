/** Where control messages come from. */
import type { IngestControlMessage } from "../message/index.js";

export interface GetMessageOptions {
  /** Ends the wait; the promise then resolves to `undefined` and no message is lost. */
  readonly signal?: AbortSignal;
  /** The longest wait in milliseconds. Without it the source waits as long as it thinks fit. */
  readonly timeoutMs?: number;
}

/**
 * A source hands out control messages and keeps the delivery of each beside it, never in it.
 *
 * The pipeline calls, per message and in this order: `getMessage`, then exactly one of `acknowledge`
 * (its result is stored) and `release` (it goes back to its old place). Several messages may be out
 * at once. What is neither acknowledged nor released is released by `stop`.
 */
export interface Source {
  /**
   * The next message, or `undefined` when none came. A job that cannot be opened comes as a failed
   * message, so that its client gets an answer.
   *
   * @throws a `transport` error when what feeds the source cannot be reached.
   */
  getMessage(options?: GetMessageOptions): Promise<IngestControlMessage | undefined>;
  acknowledge(message: IngestControlMessage): Promise<void>;
  release(message: IngestControlMessage): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Plain JSON; counters only rise. */
  getStats(): object;
}
