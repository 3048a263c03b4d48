/**
 * A client of brokers that speak the simple broker's protocol, ours and the original in Python. What
 * a broker cannot do is done as with the original, or refused with CLIENT_FEATURE_MISSING.
 */
import { hasCode, parseOptions } from "../../core/index.js";
import {
  CANCEL_OUTCOMES,
  type CancelOutcome,
  encodeCancel,
  encodeDead,
  encodePing,
  encodeSizeRequest,
  parseDeadAnswer,
  WireErrors,
} from "../../wire/index.js";
import type { CallOptions } from "../call-options.js";
import { SimpleClientConfig } from "../config.js";
import { type DeadLetters, deadLettersBy } from "../dead-letters.js";
import { ClientErrors } from "../errors.js";
import type {
  Delivery,
  DeliveryOptions,
  FetchOptions,
  MessageBrokerClient,
  Receipt,
  SubmitOptions,
} from "../message-broker-client.js";
import { Calls } from "./calls.js";
import { pop, settle } from "./pop.js";
import { push } from "./push.js";
import { SimpleDelivery } from "./simple-delivery.js";

const LEASE_MS = 300_000;

export class SimpleClient implements MessageBrokerClient {
  readonly #calls: Calls;
  /** Deliveries in work, by their leases. */
  readonly #deliveries = new Map<string, SimpleDelivery>();
  readonly deadLetters: DeadLetters;

  /** Connects to nothing yet. @throws OPTIONS_INVALID */
  constructor(config: SimpleClientConfig = {}) {
    this.#calls = new Calls(parseOptions(SimpleClientConfig, config, "SimpleClientConfig"));
    this.deadLetters = deadLettersBy(async (question, options) => {
      const needs = { feature: "dead", trait: "keepsDead" } as const;
      const frame = encodeDead(question);
      const { response } = await this.#calls.ask({ command: "DEAD", frame, needs }, options);
      return parseDeadAnswer(response ?? "");
    });
  }

  submitMessage(queueName: string, message: string, options: SubmitOptions = {}): Promise<Receipt> {
    return this.#calls.call(options, async (bounds) => {
      const receipt = await push(this.#calls, { ...options, queueName, message }, bounds);
      const { leaseId } = options;
      if (leaseId !== undefined) this.#deliveries.get(leaseId)?.answered();
      return receipt;
    });
  }

  fetchMessage(queueName: string, options: FetchOptions = {}): Promise<string | undefined> {
    return this.#calls.call(options, async (bounds) => {
      const { pollIntervalMs } = options;
      const popped = await pop(this.#calls, { queueName, pollIntervalMs }, bounds);
      if (popped === undefined) return undefined;
      try {
        // What was handed out is returned either way, so nobody need hear whether it was settled.
        await settle(popped, true, { calls: this.#calls, bounds });
      } catch (error) {
        // The broker may have settled it: thrown away here, the message would be nowhere.
        if (!hasCode(error, ClientErrors.DELIVERY_UNKNOWN.code)) throw error;
      }
      return popped.message;
    });
  }

  async fetchDelivery(
    queueName: string,
    options: DeliveryOptions = {},
  ): Promise<Delivery | undefined> {
    const { leaseMs = LEASE_MS, pollIntervalMs } = options;
    const popped = await this.#calls.call(options, (bounds) =>
      pop(this.#calls, { queueName, leaseMs, pollIntervalMs }, bounds),
    );
    if (popped === undefined) return undefined;
    const { transactionId } = popped;
    const onOver = () => this.#deliveries.delete(transactionId);
    const delivery = new SimpleDelivery(popped, { calls: this.#calls, onOver });
    if (popped.line.isOpen) this.#deliveries.set(transactionId, delivery);
    return delivery;
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#calls.ask({ command: "PING", frame: encodePing() }, options);
  }

  async size(queueName: string, options: CallOptions = {}): Promise<number> {
    const frame = encodeSizeRequest(queueName);
    const { response } = await this.#calls.ask({ command: "SIZE", frame }, options);
    return Number(response);
  }

  async cancel(jobId: string, options: CallOptions = {}): Promise<CancelOutcome> {
    const needs = { feature: "cancel", trait: "cancels" } as const;
    const frame = encodeCancel(jobId);
    const { response } = await this.#calls.ask({ command: "CANCEL", frame, needs }, options);
    const outcome = CANCEL_OUTCOMES.find((known) => known === response);
    if (outcome !== undefined) return outcome;
    throw WireErrors.RESPONSE_INVALID({ reason: "the answer to CANCEL cannot be read" });
  }

  async close(): Promise<void> {
    this.#calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
