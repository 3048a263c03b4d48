/** A delivery within the process: a message that the broker keeps for its consumer. */
import { decodeBody, type HeldMessage } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { Loss } from "../loss.js";
import type { Delivery } from "../message-broker-client.js";

/** What a delivery needs of its client. */
interface Owner {
  /** @throws CLIENT_CLOSED */
  checkOpen(): void;
  /** It is settled or lost, and the client need not give it back any more. */
  forget(delivery: MemoryDelivery): void;
}

export class MemoryDelivery implements Delivery {
  readonly message: string;
  readonly leaseId: string;
  readonly #held: HeldMessage;
  readonly #owner: Owner;
  readonly #loss = new Loss();
  #isSettled = false;

  constructor(held: HeldMessage, owner: Owner) {
    this.message = decodeBody(held.body);
    this.leaseId = held.leaseId;
    this.#held = held;
    this.#owner = owner;
    held.onLost = () => this.#lose("its job was cancelled, or the broker stopped");
  }

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  async acknowledge(): Promise<void> {
    if (this.#isSettled) throw ClientErrors.DELIVERY_SETTLED({});
    this.#owner.checkOpen();
    if (this.#loss.reason !== undefined) throw this.#loss.reason;
    this.#settle();
    const wasOurs = await this.#held.acknowledge();
    if (wasOurs) return;
    const reason = ClientErrors.LEASE_OVER({ reason: "it was over before the acknowledgement" });
    this.#loss.declare(reason);
    throw reason;
  }

  async release(): Promise<void> {
    if (this.#isSettled || this.#loss.reason !== undefined) return;
    this.#settle();
    this.#held.release();
  }

  /** The client is closed: the message goes back. */
  giveBack(): void {
    this.#held.onLost = undefined;
    this.#held.release();
    this.#lose("the client was closed");
  }

  #settle(): void {
    this.#isSettled = true;
    this.#held.onLost = undefined;
    this.#owner.forget(this);
  }

  #lose(reason: string): void {
    this.#owner.forget(this);
    this.#loss.declare(ClientErrors.LEASE_OVER({ reason }));
  }
}
