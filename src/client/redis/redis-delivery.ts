/** A delivery over Redis: a message that lies in a place of this client's worker. */
import { monotonicMs } from "../../core/index.js";
import { ClientErrors } from "../errors.js";
import { Loss } from "../loss.js";
import type { Delivery } from "../message-broker-client.js";
import { jobFacts } from "./job-text.js";
import type { QueueKeys } from "./keys.js";

/** Where a delivery lies; the text of it names the delivery everywhere. */
export interface Claim {
  readonly workerId: string;
  readonly place: number;
  /** Counts the deliveries of the worker: places are used again. */
  readonly sequence: number;
  readonly queueName: string;
}

function formatLease({ workerId, place, sequence, queueName }: Claim): string {
  return `${workerId}/${place}/${sequence}/${queueName}`;
}

/** Undefined for a lease of another kind of broker. */
export function parseLease(leaseId: string): Claim | undefined {
  const [, workerId, place, sequence, queueName] =
    /^([\w-]+)\/(\d+)\/(\d+)\/([\s\S]+)$/.exec(leaseId) ?? [];
  if (workerId === undefined || queueName === undefined) return undefined;
  return { workerId, place: Number(place), sequence: Number(sequence), queueName };
}

/** What a delivery needs of the desk that handed it out. */
interface Owner {
  /** @throws CLIENT_CLOSED */
  checkOpen(): void;
  /** Takes the message out of its place. @throws CLIENT_LEASE_OVER */
  remove(delivery: RedisDelivery): Promise<void>;
  giveBack(delivery: RedisDelivery): Promise<void>;
}

export class RedisDelivery implements Delivery {
  /** Loaded by its client when it lies outside of Redis. */
  message: string;
  readonly leaseId: string;
  readonly claim: Claim;
  readonly keys: QueueKeys;
  readonly sinceMs = monotonicMs();
  readonly #owner: Owner;
  readonly #loss = new Loss();
  #jobId: string | undefined | null = null;
  #isSettled = false;
  #isAnswered = false;

  constructor(message: string, claim: Claim, means: { keys: QueueKeys; owner: Owner }) {
    this.message = message;
    this.claim = claim;
    this.leaseId = formatLease(claim);
    this.keys = means.keys;
    this.#owner = means.owner;
  }

  /** Undefined when the message is no job. */
  get jobId(): string | undefined {
    if (this.#jobId === null) this.#jobId = jobFacts(this.message).jobId;
    return this.#jobId;
  }

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  async acknowledge(): Promise<void> {
    if (this.#isSettled) throw ClientErrors.DELIVERY_SETTLED({});
    this.#owner.checkOpen();
    if (this.#loss.reason !== undefined) throw this.#loss.reason;
    this.#isSettled = true;
    if (!this.#isAnswered) await this.#owner.remove(this);
  }

  async release(): Promise<void> {
    if (this.#isSettled || this.#loss.reason !== undefined) return;
    this.#isSettled = true;
    if (!this.#isAnswered) await this.#owner.giveBack(this);
  }

  /** Its result is stored, and with it the message was taken out of its place. */
  answered(): void {
    this.#isAnswered = true;
  }

  /** It is this consumer's no more. False when it was not before, or is being settled. */
  lose(reason: string): boolean {
    if (this.#isSettled || this.#loss.reason !== undefined) return false;
    this.#loss.declare(ClientErrors.LEASE_OVER({ reason }));
    return true;
  }
}
