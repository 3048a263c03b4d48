/** A client of a broker in the same process: the same queues, without frames and sockets. */
import { linkSignals, parseOptions, sharedAbortController } from "../../core/index.js";
import {
  decodeBody,
  encodeBody,
  type HeldMessage,
  type MessageExchange,
} from "../../wire/index.js";
import { MemoryClientConfig } from "../config.js";
import { ClientErrors } from "../errors.js";
import {
  type CallOptions,
  DEFAULT_CALL_MS,
  type Delivery,
  type DeliveryOptions,
  type FetchOptions,
  type MessageBrokerClient,
  type Receipt,
  type SubmitOptions,
} from "../message-broker-client.js";
import { Deadline, whileFull } from "../retry.js";

export class MemoryClient implements MessageBrokerClient {
  readonly #exchange: MessageExchange;
  readonly #closing = sharedAbortController();
  readonly #held = new Set<HeldMessage>();

  /** @throws OPTIONS_INVALID */
  constructor(config: MemoryClientConfig) {
    this.#exchange = parseOptions(MemoryClientConfig, config, "MemoryClientConfig").broker;
  }

  submitMessage(queueName: string, message: string, options: SubmitOptions = {}): Promise<Receipt> {
    const { forNvIngest = false, timeoutMs = DEFAULT_CALL_MS, signal } = options;
    const body = encodeBody(message);
    const attempt = async () => {
      this.#checkOpen(signal);
      const stamping = { stampJobId: forNvIngest };
      return { transactionId: this.#exchange.store(queueName, body, stamping) };
    };
    return whileFull(attempt, { deadline: new Deadline(timeoutMs), signal });
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
    const { timeoutMs = DEFAULT_CALL_MS, signal } = options;
    this.#checkOpen(signal);
    const either = linkSignals(signal, this.#closing.signal);
    try {
      const wait = { waitMs: timeoutMs, signal: either.signal };
      const held = await this.#exchange.take(queueName, wait);
      if (held === undefined) either.signal.throwIfAborted();
      return held;
    } finally {
      either.unlink();
    }
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
  }
}
