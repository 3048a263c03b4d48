/**
 * A delivery over TCP. Its handshake stays open while its consumer works: the broker takes the end of
 * the line for the end of the consumer, and ends the line itself when the delivery is over.
 */
import { clampTimerMs, hasCode, type MillraceError, messageOf } from "../../core/index.js";
import { encodeExtension } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { Loss } from "../loss.js";
import type { Delivery } from "../message-broker-client.js";
import type { Calls } from "./calls.js";
import { giveBack, type OpenPop, settle } from "./pop.js";

/** Two extensions may get lost in a busy process before a lease is. */
const EXTENSIONS_PER_LEASE = 3;

export class SimpleDelivery implements Delivery {
  readonly #popped: OpenPop;
  readonly #calls: Calls;
  readonly #onOver: () => void;
  readonly #loss = new Loss();
  #renewal: NodeJS.Timeout | undefined;
  #isSettled = false;
  #isAnswered = false;

  /** @param means.onOver called when it is settled or lost. */
  constructor(popped: OpenPop, means: { readonly calls: Calls; readonly onOver: () => void }) {
    this.#popped = popped;
    this.#calls = means.calls;
    this.#onOver = means.onOver;
    const { line, transactionId, renewedMs } = popped;
    if (!line.isOpen) {
      this.#lose("its connection ended at once");
      return;
    }
    line.onFail = (failure) => this.#lose(messageOf(failure));
    if (renewedMs === undefined) return;
    const extension = encodeExtension(transactionId, renewedMs / 1000);
    const everyMs = clampTimerMs(renewedMs / EXTENSIONS_PER_LEASE);
    // The first one says that the message has come: a connection that ends before it had no consumer,
    // only a call that was given up in the moment in which the broker answered it.
    if (!line.isChannel) line.mention(extension);
    this.#renewal = setInterval(() => line.mention(extension), everyMs).unref();
  }

  get message(): string {
    return this.#popped.message;
  }

  get leaseId(): string {
    return this.#popped.transactionId;
  }

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  async acknowledge(): Promise<void> {
    if (this.#isSettled) throw ClientErrors.DELIVERY_SETTLED({});
    await this.#calls.call({}, async (bounds) => {
      if (this.#loss.reason !== undefined) throw this.#loss.reason;
      this.#end();
      try {
        await settle(this.#popped, this.#isAnswered, { calls: this.#calls, bounds });
      } catch (error) {
        // The broker's word for it and the acknowledgement have crossed on the line.
        const isLost = hasCode(error, ClientErrors.LEASE_OVER.code);
        if (isLost) this.#loss.declare(error as MillraceError);
        throw error;
      }
    });
  }

  /** Its result is stored at the broker that handed it out: no other consumer gets it any more. */
  answered(): void {
    this.#isAnswered = true;
  }

  async release(): Promise<void> {
    if (this.#isSettled || this.#loss.reason !== undefined) return;
    this.#end();
    await giveBack(this.#popped);
  }

  #lose(reason: string): void {
    clearInterval(this.#renewal);
    this.#onOver();
    this.#loss.declare(ClientErrors.LEASE_OVER({ reason }));
  }

  /** From here on the line is the handshake's own. */
  #end(): void {
    this.#isSettled = true;
    clearInterval(this.#renewal);
    this.#onOver();
    this.#popped.line.onFail = () => {};
  }
}
