/**
 * What a broker does, as calls instead of frames. Over TCP these are the handshakes of the protocol;
 * a client in the broker's own process calls them directly. Bodies are in both cases the escaped
 * content of a JSON string, so that either side can read what the other stored.
 */
import type { DeadAnswer, DeadQuestion } from "./dead-letters.js";
import type { CancelOutcome } from "./response.js";

/** A message handed out and not yet settled. Settling twice, or after a give-back, does nothing. */
export interface HeldMessage {
  /** Escaped content of a JSON string. */
  readonly body: Buffer;
  /** Names this delivery: see `store`. */
  readonly leaseId: string;
  /** Called once, when the delivery is this consumer's no more: cancelled, or the broker stopped. */
  onLost: (() => void) | undefined;
  /** Whether it was still this consumer's. Resolves when the broker has kept it. */
  acknowledge(): Promise<boolean>;
  /** Puts the message back to its old place. */
  release(): void;
}

/** What a stored message is besides text. */
export interface StoreOptions {
  readonly stampJobId: boolean;
  readonly leaseId?: string | undefined;
  readonly failed?: string | undefined;
}

export interface MessageExchange {
  /**
   * Stores `body` at the end of the queue and returns the transaction id; with `stampJobId` that is
   * also written into the body as its `job_id`. Resolves when the message is as safe as the broker's
   * durability says.
   *
   * @param options.leaseId the delivery whose result this is: refused when that is over.
   * @param options.failed why the job of that delivery failed, when the result says so: the job
   *   becomes a dead letter with this reason, cut to 4,096 characters. Nothing without `leaseId`.
   * @throws QUEUE_FULL, QUEUE_UNAVAILABLE, QUEUE_JOB_OVER, QUEUE_LEASE_OVER, WIRE_MESSAGE_INVALID
   */
  store(queueName: string, body: Buffer, options: StoreOptions): Promise<string>;
  /**
   * Takes the oldest message, waiting for one at most `waitMs` milliseconds; undefined when none
   * came, when one of the `signals` fired or when the broker is shutting down.
   *
   * @throws QUEUE_WAITERS_FULL, QUEUE_RESULT_EXPIRED
   */
  take(
    queueName: string,
    options: {
      readonly waitMs: number;
      readonly signals?: readonly (AbortSignal | undefined)[];
    },
  ): Promise<HeldMessage | undefined>;
  /** Messages that are ready; those handed out do not count. */
  size(queueName: string): number;
  /** Ends a job wherever it is: it gets a failed result that says so. */
  cancel(jobId: string): Promise<CancelOutcome>;
  /** Tells of dead letters, or replays or drops them. */
  dead(question: DeadQuestion): Promise<DeadAnswer>;
}

/** The text that an escaped body means. */
export function decodeBody(body: Buffer): string {
  return JSON.parse(`"${body.toString()}"`) as string;
}

/** The escaped body of a text. */
export function encodeBody(text: string): Buffer {
  const quoted = JSON.stringify(text);
  return Buffer.from(quoted.slice(1, -1));
}
