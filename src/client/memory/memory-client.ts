/** A client of a broker in the same process: the same queues, without frames and sockets. */
import {
  hasCode,
  linkSignals,
  messageOf,
  parseOptions,
  sharedAbortController,
} from "../../core/index.js";
import {
  decodeBody,
  encodeBody,
  type HeldMessage,
  type MessageExchange,
  WireErrors,
} from "../../wire/index.js";
import { MemoryClientConfig } from "../config.js";
import { ClientErrors } from "../errors.js";
import {
  type CallOptions,
  checkTimes,
  type Delivery,
  type DeliveryOptions,
  type FetchOptions,
  type MessageBrokerClient,
  type Receipt,
  type SubmitOptions,
} from "../message-broker-client.js";
import { Deadline, isFull, whileFull } from "../retry.js";

export class MemoryClient implements MessageBrokerClient {
  readonly #exchange: MessageExchange;
  readonly #closing = sharedAbortController();
  readonly #held = new Set<HeldMessage>();

  /** @throws OPTIONS_INVALID */
  constructor(config: MemoryClientConfig) {
    this.#exchange = parseOptions(MemoryClientConfig, config, "MemoryClientConfig").broker;
  }

  async submitMessage(
    queueName: string,
    message: string,
    options: SubmitOptions = {},
  ): Promise<Receipt> {
    const { forNvIngest = false } = options;
    const timeoutMs = checkTimes(options);
    this.#checkOpen(options.signal);
    checkText("PUSH", "queue_name", queueName);
    checkText("PUSH", "message", message);
    const body = encodeBody(message);
    try {
      return this.#store(queueName, body, forNvIngest);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    // Only a call that has to wait needs a signal of its own.
    const { signal, unlink } = linkSignals(options.signal, this.#closing.signal);
    try {
      const attempt = async () => this.#store(queueName, body, forNvIngest);
      return await whileFull(attempt, { deadline: new Deadline(timeoutMs), signal });
    } finally {
      unlink();
    }
  }

  async fetchMessage(queueName: string, options: FetchOptions = {}): Promise<string | undefined> {
    const held = await this.#take(queueName, options);
    held?.acknowledge();
    return held === undefined ? undefined : decodeBody(held.body);
  }

  async fetchDelivery(
    queueName: string,
    options: DeliveryOptions = {},
  ): Promise<Delivery | undefined> {
    const held = await this.#take(queueName, options);
    if (held === undefined) return undefined;
    this.#held.add(held);
    return {
      message: decodeBody(held.body),
      acknowledge: async () => {
        this.#checkOpen(undefined);
        if (!this.#held.delete(held)) throw ClientErrors.DELIVERY_SETTLED({});
        held.acknowledge();
      },
      release: async () => {
        if (this.#held.delete(held)) held.release();
      },
    };
  }

  async ping(options: CallOptions = {}): Promise<void> {
    this.#checkOpen(options.signal);
  }

  async size(queueName: string, options: CallOptions = {}): Promise<number> {
    this.#checkOpen(options.signal);
    checkText("SIZE", "queue_name", queueName);
    return this.#exchange.size(queueName);
  }

  async close(): Promise<void> {
    this.#closing.abort(ClientErrors.CLOSED({}));
    for (const held of this.#held) held.release();
    this.#held.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #take(queueName: string, options: CallOptions): Promise<HeldMessage | undefined> {
    const { signal } = options;
    const timeoutMs = checkTimes(options);
    this.#checkOpen(signal);
    checkText("POP", "queue_name", queueName);
    const held = await this.#exchange.take(queueName, {
      waitMs: timeoutMs,
      signals: [signal, this.#closing.signal],
    });
    if (held === undefined) this.#checkOpen(signal);
    else if (this.#closing.signal.aborted) {
      // The message and the close came in the same moment, and nobody could settle it any more.
      held.release();
      throw this.#closing.signal.reason;
    }
    return held;
  }

  #store(queueName: string, body: Buffer, stampJobId: boolean): Receipt {
    try {
      return { transactionId: this.#exchange.store(queueName, body, { stampJobId }) };
    } catch (error) {
      if (!hasCode(error, WireErrors.MESSAGE_INVALID.code)) throw error;
      throw ClientErrors.REFUSED({ command: "PUSH", reason: messageOf(error) }, error);
    }
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
  }
}

/** Refuses what a broker refuses over the network, in its words, so that the clients are alike. */
function checkText(command: string, name: string, text: unknown): void {
  const refuse = (fault: string) => ClientErrors.REFUSED({ command, reason: `${name}: ${fault}` });
  if (typeof text !== "string") throw refuse(`must be a string, is ${typeof text}`);
  if (text === "") throw refuse("must have at least 1 character");
  if (!text.isWellFormed()) throw refuse("holds an unpaired surrogate");
}
