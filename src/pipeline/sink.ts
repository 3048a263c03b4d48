/** Where results go. */
import type { IngestControlMessage } from "../message/index.js";

export interface ProcessMessageOptions {
  /** Ends the delivery of the result; rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The same as several signals, the first of which counts: what `signal` is made of when asked for. */
  readonly ends?: readonly AbortSignal[];
  /** The delivery whose result this is, as its source names it. */
  readonly leaseId?: string | undefined;
}

/** A sink turns each control message, failed ones too, into exactly one result and delivers it. */
export interface Sink {
  /**
   * False: it stores messages and answers nobody. It gets no failed messages, and its `false` fails
   * the job, which another sink answers. Without it a sink answers.
   */
  readonly replies?: boolean;
  /**
   * Delivers the message's result. `true`: the job may be acknowledged, because its result is stored
   * where its client will find it, or because none can ever be or is wanted; `false`: the job must
   * go back.
   */
  processMessage(message: IngestControlMessage, options?: ProcessMessageOptions): Promise<boolean>;
  start(): Promise<void>;
  /** Waits for deliveries in hand. */
  stop(): Promise<void>;
  /** Plain JSON; counters only rise. */
  getStats(): object;
}
