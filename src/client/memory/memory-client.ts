/** A client of a broker in the same process: the same queues, without frames and sockets. */
import {
  hasCode,
  messageOf,
  parseOptions,
  type Signals,
  sharedAbortController,
  signalsOf,
  throwIfFired,
} from "../../core/index.js";
import {
  type CancelOutcome,
  decodeBody,
  encodeBody,
  type HeldMessage,
  type MessageExchange,
  type StoreOptions,
  WireErrors,
} from "../../wire/index.js";
import type { CallOptions } from "../call-options.js";
import { checkText } from "../check-text.js";
import { MemoryClientConfig } from "../config.js";
import { type DeadLetters, deadLettersBy } from "../dead-letters.js";
import { ClientErrors } from "../errors.js";
import {
  checkTimes,
  type Delivery,
  type DeliveryOptions,
  type FetchOptions,
  type MessageBrokerClient,
  type Receipt,
  type SubmitOptions,
} from "../message-broker-client.js";
import { Deadline, isFull, whileFull } from "../retry.js";
import { MemoryDelivery } from "./memory-delivery.js";

/** What is stored, and how. */
interface Submission extends StoreOptions {
  readonly queueName: string;
  readonly body: Buffer;
}

export class MemoryClient implements MessageBrokerClient {
  readonly #exchange: MessageExchange;
  readonly #closing = sharedAbortController();
  readonly #open = new Set<MemoryDelivery>();
  readonly #owner = {
    checkOpen: () => this.#checkOpen(undefined),
    forget: (delivery: MemoryDelivery) => {
      this.#open.delete(delivery);
    },
  };
  readonly deadLetters: DeadLetters = deadLettersBy((question, { signal }) => {
    this.#checkOpen(signal);
    return this.#exchange.dead(question);
  });

  /** @throws OPTIONS_INVALID */
  constructor(config: MemoryClientConfig) {
    this.#exchange = parseOptions(MemoryClientConfig, config, "MemoryClientConfig").broker;
  }

  async submitMessage(
    queueName: string,
    message: string,
    options: SubmitOptions = {},
  ): Promise<Receipt> {
    const { forNvIngest = false, leaseId, failed } = options;
    const timeoutMs = checkTimes(options);
    this.#checkOpen(options.signal);
    checkText("PUSH", "queue_name", queueName);
    checkText("PUSH", "message", message);
    const body = encodeBody(message);
    const submission = { queueName, body, stampJobId: forNvIngest, leaseId, failed };
    try {
      return await this.#store(submission);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    const signals = signalsOf(options.signal);
    const bounds = { deadline: new Deadline(timeoutMs), signals, closed: this.#closing.signal };
    return whileFull(() => this.#store(submission), bounds);
  }

  async fetchMessage(queueName: string, options: FetchOptions = {}): Promise<string | undefined> {
    const held = await this.#take(queueName, options);
    if (held === undefined) return undefined;
    const wasOurs = await held.acknowledge();
    if (wasOurs) return decodeBody(held.body);
    throw ClientErrors.LEASE_OVER({ reason: "it was over before the acknowledgement" });
  }

  async fetchDelivery(
    queueName: string,
    options: DeliveryOptions = {},
  ): Promise<Delivery | undefined> {
    const held = await this.#take(queueName, options);
    if (held === undefined) return undefined;
    const delivery = new MemoryDelivery(held, this.#owner);
    this.#open.add(delivery);
    return delivery;
  }

  async ping(options: CallOptions = {}): Promise<void> {
    this.#checkOpen(options.signal);
  }

  async size(queueName: string, options: CallOptions = {}): Promise<number> {
    this.#checkOpen(options.signal);
    checkText("SIZE", "queue_name", queueName);
    return this.#exchange.size(queueName);
  }

  async cancel(jobId: string, options: CallOptions = {}): Promise<CancelOutcome> {
    this.#checkOpen(options.signal);
    checkText("CANCEL", "job_id", jobId);
    return await this.#exchange.cancel(jobId);
  }

  async close(): Promise<void> {
    this.#closing.abort(ClientErrors.CLOSED({}));
    for (const delivery of this.#open) delivery.giveBack();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #take(queueName: string, options: CallOptions): Promise<HeldMessage | undefined> {
    const signals = signalsOf(options.signal);
    const timeoutMs = checkTimes(options);
    this.#checkOpen(options.signal);
    checkText("POP", "queue_name", queueName);
    const held = await this.#exchange.take(queueName, {
      waitMs: timeoutMs,
      signals: [...signals, this.#closing.signal],
    });
    if (held === undefined) this.#checkOpen(options.signal);
    else if (this.#closing.signal.aborted) {
      // The message and the close came in the same moment, and nobody could settle it any more.
      held.release();
      throw this.#closing.signal.reason;
    }
    return held;
  }

  async #store({ queueName, body, ...options }: Submission): Promise<Receipt> {
    try {
      return { transactionId: await this.#exchange.store(queueName, body, options) };
    } catch (error) {
      if (!hasCode(error, WireErrors.MESSAGE_INVALID.code)) throw error;
      throw ClientErrors.REFUSED({ command: "PUSH", reason: messageOf(error) }, error);
    }
  }

  #checkOpen(signals: Signals): void {
    throwIfFired(signalsOf(signals));
    this.#closing.signal.throwIfAborted();
  }
}
