/** How one talks to a broker, whatever carries the talk: all clients have this one interface. */

import { clampTimerMs } from "../core/index.js";

/** How long calls take at most when they are not told, in milliseconds. */
const DEFAULT_CALL_MS = 100_000;

/** What every call may be told. */
export interface CallOptions {
  /**
   * Ends the call; it rejects with the signal's reason, and no message is lost by it: a call that has
   * acknowledged already waits up to a second for the broker's answer and succeeds.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest the call may wait, in milliseconds; 100,000 by default. 0: once, without waiting. A
   * broker over the network gets a second for an answer also when this is shorter.
   */
  readonly timeoutMs?: number | undefined;
}

export interface SubmitOptions extends CallOptions {
  /** The message is a job: the broker writes the transaction id into it as `job_id`. */
  readonly forNvIngest?: boolean;
}

export interface FetchOptions extends CallOptions {
  /** First pause between two questions where the broker cannot hold one; 100 ms by default. */
  readonly pollIntervalMs?: number | undefined;
}

export interface DeliveryOptions extends FetchOptions {
  /**
   * How long the broker keeps the message for this consumer, in milliseconds; default 1 h. A client
   * in the broker's own process keeps it until it is settled or the client is closed.
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
  /**
   * The work is done: the message is gone for good.
   *
   * @throws CLIENT_DELIVERY_UNKNOWN, CLIENT_DELIVERY_SETTLED, CLIENT_LEASE_OVER
   */
  acknowledge(): Promise<void>;
  /** Puts the message back to its old place, at once. Releasing twice does no harm. */
  release(): Promise<void>;
}

export interface MessageBrokerClient extends AsyncDisposable {
  /**
   * Stores a message at the end of a queue. While the queue is full, or the broker shuts down, it
   * tries again until `timeoutMs` is over.
   *
   * @throws QUEUE_FULL, QUEUE_UNAVAILABLE, CLIENT_REFUSED, CLIENT_BROKER_UNAVAILABLE,
   *   CLIENT_NOT_A_BROKER, CLIENT_DELIVERY_UNKNOWN, CLIENT_CONNECTIONS_USED_UP, CLIENT_CLOSED
   */
  submitMessage(queueName: string, message: string, options?: SubmitOptions): Promise<Receipt>;
  /**
   * Takes the oldest message and acknowledges it at once; undefined when none came in time.
   *
   * When the broker's confirmation is lost, the message is returned all the same: it may then come
   * to another consumer too, but it is never lost.
   *
   * @throws CLIENT_REFUSED, CLIENT_BROKER_UNAVAILABLE, CLIENT_NOT_A_BROKER, CLIENT_LEASE_OVER,
   *   CLIENT_CONNECTIONS_USED_UP, CLIENT_CLOSED
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
  for (const [name, value] of Object.entries({ timeoutMs, leaseMs, pollIntervalMs })) {
    if (value === undefined || value >= 0) continue;
    throw new TypeError(`${name} must be 0 or more milliseconds, is ${value}`);
  }
  return clampTimerMs(timeoutMs);
}
