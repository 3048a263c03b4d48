/**
 * A client of brokers that speak the simple broker's protocol, ours and the original in Python.
 *
 * What got no first response has changed nothing and is repeated on a new connection. After the ACK
 * nothing is repeated: whether it arrived is unknown then, and said so.
 */
import {
  backoffMs,
  hasCode,
  linkSignals,
  type MillraceError,
  messageOf,
  parseOptions,
} from "../../core/index.js";
import {
  encodeAck,
  encodePing,
  encodePop,
  encodePush,
  encodeSizeRequest,
  type Response,
  ResponseCode,
} from "../../wire/index.js";
import { SimpleClientConfig } from "../config.js";
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
import { afterAbort, answerMs, type CallBounds, Deadline, pause, whileFull } from "../retry.js";
import { isLost, refusedPush, saysEmpty, transactionOf } from "./answers.js";
import type { Line } from "./line.js";
import { type BrokerTraits, LinePool } from "./line-pool.js";
import { popTimes } from "./pop-times.js";

const RETRY_BASE_MS = 50;
const POLL_INTERVAL_MS = 100;
/** How long the answer to a give-back is awaited; then the closed line says the same. */
const GIVE_BACK_MS = 1_000;

/** What a handshake's ACK makes of the message. */
type Settlement = "stored" | "settled";

/** A lost connection says why without its address. */
interface LostDetails {
  readonly reason?: string;
}

/** A message, and the handshake in which it came, still open. */
interface OpenPop {
  readonly line: Line;
  readonly transactionId: string;
  readonly message: string;
}

export class SimpleClient implements MessageBrokerClient {
  readonly #config: ReturnType<typeof SimpleClientConfig.parse>;
  readonly #lines: LinePool;

  /** Connects to nothing yet. @throws OPTIONS_INVALID */
  constructor(config: SimpleClientConfig = {}) {
    this.#config = parseOptions(SimpleClientConfig, config, "SimpleClientConfig");
    this.#lines = new LinePool(this.#config);
  }

  submitMessage(queueName: string, message: string, options: SubmitOptions = {}): Promise<Receipt> {
    const { forNvIngest = false } = options;
    return this.#call(options, (bounds) => {
      const timeoutS = Math.max(1, Math.ceil(bounds.deadline.leftMs / 1000));
      const frame = encodePush(queueName, message, { forNvIngest, timeoutS });
      const attempt = async () => {
        const first = await this.#repeat(bounds, (line) => this.#pushOnce(line, frame, bounds));
        if (first.code !== ResponseCode.SUCCESS) throw refusedPush(queueName, first.reason);
        return { transactionId: transactionOf(first) };
      };
      return whileFull(attempt, bounds);
    });
  }

  fetchMessage(queueName: string, options: FetchOptions = {}): Promise<string | undefined> {
    return this.#call(options, async (bounds) => {
      const popped = await this.#pop(queueName, bounds, options);
      if (popped === undefined) return undefined;
      try {
        await this.#settle(popped, bounds);
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
    const withLease = { leaseMs: 3_600_000, ...options };
    const popped = await this.#call(options, (bounds) => this.#pop(queueName, bounds, withLease));
    if (popped === undefined) return undefined;
    let isSettled = false;
    return {
      message: popped.message,
      acknowledge: async () => {
        if (isSettled) throw ClientErrors.DELIVERY_SETTLED({});
        isSettled = true;
        await this.#call({}, (bounds) => this.#settle(popped, bounds));
      },
      release: async () => {
        if (isSettled) return;
        isSettled = true;
        await this.#giveBack(popped);
      },
    };
  }

  async ping(options: CallOptions = {}): Promise<void> {
    const { code, reason } = await this.#askOne(encodePing(), options);
    if (code !== ResponseCode.SUCCESS) throw ClientErrors.REFUSED({ command: "PING", reason });
  }

  async size(queueName: string, options: CallOptions = {}): Promise<number> {
    const answer = await this.#askOne(encodeSizeRequest(queueName), options);
    const { code, reason, response } = answer;
    if (code !== ResponseCode.SUCCESS) throw ClientErrors.REFUSED({ command: "SIZE", reason });
    return Number(response);
  }

  async close(): Promise<void> {
    this.#lines.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs a call within its bounds; `close` ends it too. */
  async #call<T>(options: CallOptions, work: (bounds: CallBounds) => Promise<T>): Promise<T> {
    const timeoutMs = checkTimes(options);
    const { signal, unlink } = linkSignals(options.signal, this.#lines.closed);
    try {
      signal.throwIfAborted();
      return await work({ deadline: new Deadline(timeoutMs), signal });
    } finally {
      unlink();
    }
  }

  #askOne(frame: Buffer, options: CallOptions): Promise<Response> {
    return this.#call(options, (bounds) =>
      this.#repeat(bounds, async (line) => {
        const answer = await line.ask(frame, this.#silenceMs(bounds), bounds.signal);
        this.#lines.release(line);
        return answer;
      }),
    );
  }

  async #pushOnce(line: Line, frame: Buffer, bounds: CallBounds): Promise<Response> {
    const first = await line.ask(frame, this.#silenceMs(bounds), bounds.signal);
    if (first.code === ResponseCode.SUCCESS) {
      await this.#finish(line, { transactionId: transactionOf(first), what: "stored", bounds });
    }
    this.#lines.release(line);
    return first;
  }

  /** Asks until a message comes or the time is over. */
  async #pop(
    queueName: string,
    bounds: CallBounds,
    options: DeliveryOptions,
  ): Promise<OpenPop | undefined> {
    const { pollIntervalMs = POLL_INTERVAL_MS, leaseMs } = options;
    const { deadline } = bounds;
    for (let quickCount = 0; ; quickCount++) {
      const askedAtLeftMs = deadline.leftMs;
      const popped = await this.#repeat(bounds, (line, { holds }) =>
        this.#popOnce(line, queueName, { bounds, leaseMs, holds }),
      );
      if (popped !== undefined || deadline.leftMs === 0) return popped;
      // A broker that held the question need not be spared the next one.
      if (askedAtLeftMs - deadline.leftMs > pollIntervalMs) quickCount = 0;
      else {
        const pauseMs = Math.min(this.#config.maxBackoffMs, pollIntervalMs * 2 ** quickCount);
        await pause(pauseMs, bounds);
      }
    }
  }

  /** Undefined: nothing is there, or the time is over. */
  async #popOnce(
    line: Line,
    queueName: string,
    call: {
      readonly bounds: CallBounds;
      readonly leaseMs: number | undefined;
      readonly holds: boolean;
    },
  ): Promise<OpenPop | undefined> {
    const { deadline, signal } = call.bounds;
    const { leaseMs, holds } = call;
    const { connectionTimeoutMs } = this.#config;
    const times = popTimes({ leftMs: deadline.leftMs, leaseMs, holds, connectionTimeoutMs });
    let answer: Response;
    try {
      answer = await line.ask(encodePop(queueName, times.timeoutS), times.silenceMs, signal);
    } catch (error) {
      const isOver = times.endsWithCall && hasCode(error, ClientErrors.SILENCE.code);
      if (isOver) return undefined;
      throw error;
    }
    const { code, reason, response } = answer;
    if (code === ResponseCode.SUCCESS && response !== null) {
      return { line, transactionId: transactionOf(answer), message: response };
    }
    this.#lines.release(line);
    if (saysEmpty(answer)) return undefined;
    throw ClientErrors.REFUSED({ command: "POP", reason });
  }

  async #settle({ line, transactionId }: OpenPop, bounds: CallBounds): Promise<void> {
    await this.#finish(line, { transactionId, what: "settled", bounds });
    this.#lines.release(line);
  }

  async #giveBack({ line, transactionId }: OpenPop): Promise<void> {
    // The answer tells that the message is back. Should it not come, the lost line gives it back.
    await line.ask(encodeAck(transactionId, false), GIVE_BACK_MS).catch(() => {});
    line.close();
  }

  /**
   * Sends the ACK and takes the final response. From then on an abort comes too late to undo anything,
   * so the call hears the answer if it comes soon: otherwise a fetched message would be lost.
   */
  async #finish(
    line: Line,
    end: { readonly transactionId: string; readonly what: Settlement; readonly bounds: CallBounds },
  ): Promise<void> {
    const { transactionId, what, bounds } = end;
    const { signal } = bounds;
    if (signal?.aborted) {
      line.close();
      throw signal.reason;
    }
    if (!line.isOpen) {
      throw this.#notAcknowledged(what, "the connection ended before the acknowledgement");
    }
    const forget = afterAbort(signal, () => line.close());
    let final: Response;
    try {
      final = await line.ask(encodeAck(transactionId, true), this.#silenceMs(bounds));
    } catch (error) {
      if (!isLost(error)) throw error;
      throw ClientErrors.DELIVERY_UNKNOWN({ what }, error);
    } finally {
      forget();
    }
    if (final.code === ResponseCode.SUCCESS) return;
    line.close();
    throw this.#notAcknowledged(what, final.reason);
  }

  /** A push whose ACK was not taken has stored nothing and is repeated; a delivery went back. */
  #notAcknowledged(what: Settlement, reason: string): MillraceError {
    const { host, port } = this.#config;
    if (what === "stored") return ClientErrors.CONNECTION_LOST({ host, port, reason });
    return ClientErrors.LEASE_OVER({ reason });
  }

  /** Runs `attempt` on a line; a connection lost in it is repeated within the call's bounds. */
  async #repeat<T>(
    bounds: CallBounds,
    attempt: (line: Line, traits: BrokerTraits) => Promise<T>,
  ): Promise<T> {
    const { maxRetries, maxBackoffMs, host, port } = this.#config;
    let failureCount = 0;
    for (;;) {
      let line: Line | undefined;
      try {
        const traits = await this.#lines.traits(bounds);
        line = await this.#lines.acquire(bounds);
        return await attempt(line, traits);
      } catch (error) {
        line?.close();
        if (!isLost(error)) throw error;
        bounds.signal?.throwIfAborted();
        this.#lines.forgetTraits();
        // The broker had closed this line while nobody used it: that says nothing of a new one.
        if (line?.wasKept && hasCode(error, ClientErrors.CONNECTION_LOST.code)) continue;
        if (failureCount >= maxRetries || bounds.deadline.leftMs === 0) {
          const { reason = messageOf(error) } = (error as MillraceError).details as LostDetails;
          throw ClientErrors.BROKER_UNAVAILABLE({ host, port, reason }, error);
        }
        await pause(backoffMs(failureCount++, RETRY_BASE_MS, maxBackoffMs), bounds);
      }
    }
  }

  /** How long a broker may be silent in this call. */
  #silenceMs(bounds: CallBounds): number {
    return answerMs(bounds, this.#config.connectionTimeoutMs);
  }
}
