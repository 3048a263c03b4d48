/** How one talks to a broker, whatever carries the talk: all clients have this one interface. */

import { clampTimerMs } from "../core/index.js";
import type { CancelOutcome } from "../wire/index.js";
import type { CallOptions } from "./call-options.js";
import type { DeadLetters } from "./dead-letters.js";

/** How long calls take at most when they are not told, in milliseconds. */
const DEFAULT_CALL_MS = 100_000;

export interface SubmitOptions extends CallOptions {
  /** The message is a job: the broker writes the transaction id into it as `job_id`. */
  readonly forNvIngest?: boolean;
  /**
   * The message is the result of the job of this delivery (`Delivery.leaseId`). A broker that fences
   * takes it only while the delivery is its consumer's and the job has no result; others take it.
   */
  readonly leaseId?: string | undefined;
  /**
   * The result says that the job of `leaseId` failed: why, in words for people, cut to 4,096
   * characters. A broker of ours then keeps the job as a dead letter with this reason, to be replayed
   * when the cause is repaired; its client gets the result as ever. Others ignore it.
   */
  readonly failed?: string | undefined;
}

export interface FetchOptions extends CallOptions {
  /** First pause between two questions where the broker cannot hold one; 100 ms by default. */
  readonly pollIntervalMs?: number | undefined;
}

export interface DeliveryOptions extends FetchOptions {
  /**
   * How long the broker keeps the message for a consumer that it hears nothing of, in milliseconds;
   * default 300,000. At once and then every third of it the client tells the broker that the
   * consumer has the message and lives. A broker that cannot be told keeps the message for this time or an hour, the
   * longer one of them; a client in the broker's own process keeps it until it is settled, lost or
   * the client is closed.
   */
  readonly leaseMs?: number;
}

/** What a broker says of a message that it stored. */
export interface Receipt {
  /** UUID of the push; with `forNvIngest` it is the job's id, and names the queue of its result. */
  readonly transactionId: string;
}

/** A message handed out and not yet acknowledged: nobody else gets it meanwhile. */
export interface Delivery {
  readonly message: string;
  /** Names this delivery of the message; goes with its result, see `SubmitOptions.leaseId`. */
  readonly leaseId: string;
  /**
   * Fires once, with CLIENT_LEASE_OVER, when the delivery is this consumer's no more: its job was
   * cancelled, its connection ended, its lease ran out or the client was closed. Work on the message
   * is in vain from then on. Never fires once the delivery is acknowledged or released.
   */
  readonly lost: AbortSignal;
  /**
   * The work is done: the message is gone for good.
   *
   * @throws CLIENT_DELIVERY_UNKNOWN, CLIENT_DELIVERY_SETTLED, CLIENT_LEASE_OVER when it is lost, and
   *   CLIENT_CLOSED when that is because the client was closed.
   */
  acknowledge(): Promise<void>;
  /** Puts the message back to its old place, at once. Twice, or when it is lost, does no harm. */
  release(): Promise<void>;
}

export interface MessageBrokerClient extends AsyncDisposable {
  /**
   * Stores a message at the end of a queue. While the queue is full, or the broker shuts down, it
   * tries again until `timeoutMs` is over. When the broker's confirmation is lost, it sends the same
   * again to a broker that recognises it, and the message is stored once.
   *
   * @throws QUEUE_FULL, QUEUE_UNAVAILABLE, QUEUE_JOB_OVER and QUEUE_LEASE_OVER for a result that
   *   comes too late, CLIENT_REFUSED, CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER,
   *   CLIENT_DELIVERY_UNKNOWN, CLIENT_CONNECTIONS_USED_UP, CLIENT_CLOSED
   */
  submitMessage(queueName: string, message: string, options?: SubmitOptions): Promise<Receipt>;
  /**
   * Takes the oldest message and acknowledges it at once; undefined when none came in time.
   *
   * When the broker's confirmation is lost, the message is returned all the same: it may then come
   * to another consumer too, but it is never lost. A broker that keeps results for a time hands the
   * result of a job out again to who asks for it again.
   *
   * @throws QUEUE_RESULT_EXPIRED, CLIENT_REFUSED, CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER,
   *   CLIENT_LEASE_OVER, CLIENT_CONNECTIONS_USED_UP, CLIENT_CLOSED
   */
  fetchMessage(queueName: string, options?: FetchOptions): Promise<string | undefined>;
  /**
   * Takes the oldest message and leaves the acknowledgement to the caller.
   *
   * @throws as `fetchMessage`
   */
  fetchDelivery(queueName: string, options?: DeliveryOptions): Promise<Delivery | undefined>;
  /** Resolves when the broker answers. @throws CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER */
  ping(options?: CallOptions): Promise<void>;
  /** How many messages are ready in the queue. */
  size(queueName: string, options?: CallOptions): Promise<number>;
  /**
   * Ends a job wherever it is; its result says that it was cancelled, and who works on it is told.
   * "cancelled" also when it was cancelled before, so that the call can be repeated. "over": it had
   * ended otherwise, or its cancelling is long ago. "unknown": the broker knows no such job.
   *
   * @throws CLIENT_FEATURE_MISSING where the broker cannot cancel, and what `size` throws.
   */
  cancel(jobId: string, options?: CallOptions): Promise<CancelOutcome>;
  /** The jobs that the broker has given up. */
  readonly deadLetters: DeadLetters;
  /** Ends all calls, with CLIENT_CLOSED, and connections; what was not acknowledged goes back. */
  close(): Promise<void>;
}

/**
 * The time of a call, checked: a wrong number would otherwise look like a broker that is not there.
 *
 * @throws TypeError for a time that is negative or no number.
 */
export function checkTimes(options: DeliveryOptions): number {
  const { timeoutMs = DEFAULT_CALL_MS, leaseMs, pollIntervalMs } = options;
  checkTime("timeoutMs", timeoutMs);
  checkTime("leaseMs", leaseMs);
  checkTime("pollIntervalMs", pollIntervalMs);
  return clampTimerMs(timeoutMs);
}

function checkTime(name: string, value: number | undefined): void {
  if (value === undefined || value >= 0) return;
  throw new TypeError(`${name} must be 0 or more milliseconds, is ${value}`);
}
