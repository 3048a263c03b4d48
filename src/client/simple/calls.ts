/**
 * Runs the calls of one client: each within its bounds, on a line of the pool, and again on another
 * line when that one is lost. Knows no command.
 */
import { backoffMs, hasCode, type MillraceError, messageOf, signalsOf } from "../../core/index.js";
import {
  CHANNEL_BODY_BYTES_MAX,
  type Feature,
  type Response,
  ResponseCode,
} from "../../wire/index.js";
import type { SimpleClientConfig } from "../config.js";
import { ClientErrors } from "../errors.js";
import { checkTimes, type DeliveryOptions } from "../message-broker-client.js";
import { answerMs, type CallBounds, Deadline, pause, throwIfEnded } from "../retry.js";
import { isLost } from "./answers.js";
import type { BrokerTraits } from "./broker-traits.js";
import type { Line } from "./line.js";
import { LinePool } from "./line-pool.js";

const RETRY_BASE_MS = 50;

/** A lost connection says why without its address. */
interface LostDetails {
  readonly reason?: string;
}

/** A request that has one answer. */
interface Question {
  readonly command: string;
  readonly frame: Buffer;
  /** For what not every broker knows. */
  readonly needs?: { readonly feature: Feature; readonly trait: keyof BrokerTraits };
}

export class Calls {
  readonly config: ReturnType<typeof SimpleClientConfig.parse>;
  readonly #lines: LinePool;

  constructor(config: ReturnType<typeof SimpleClientConfig.parse>) {
    this.config = config;
    this.#lines = new LinePool(config);
  }

  /** Ends every call, with CLIENT_CLOSED, and every line. */
  close(): void {
    this.#lines.close();
  }

  /** Runs a call within its bounds; `close` ends it too. */
  async call<T>(options: DeliveryOptions, work: (bounds: CallBounds) => Promise<T>): Promise<T> {
    const deadline = new Deadline(checkTimes(options));
    const signals = signalsOf(options.signal);
    const bounds = { deadline, signals, closed: this.#lines.closed };
    throwIfEnded(bounds);
    return work(bounds);
  }

  /** The answer to a question. @throws CLIENT_REFUSED, CLIENT_FEATURE_MISSING */
  async ask({ command, frame, needs }: Question, options: DeliveryOptions): Promise<Response> {
    const { host, port } = this.config;
    const askOn = (bounds: CallBounds) => async (line: Line, traits: BrokerTraits) => {
      if (needs !== undefined && !traits[needs.trait]) {
        throw ClientErrors.FEATURE_MISSING({ feature: needs.feature, host, port });
      }
      const got = await line.ask(frame, this.silenceMs(bounds), bounds.signals);
      this.release(line);
      return got;
    };
    const answer = await this.call(options, (bounds) =>
      this.repeat(bounds, askOn(bounds), () => frame.length),
    );
    if (answer.code === ResponseCode.SUCCESS) return answer;
    throw ClientErrors.REFUSED({ command, reason: answer.reason });
  }

  /**
   * Runs `attempt` on a line; a connection lost in it is repeated within the call's bounds.
   *
   * @param bytes of the longest frame to be sent: a long one would keep others waiting on a connection
   *   that they share, and gets its own.
   */
  async repeat<T>(
    bounds: CallBounds,
    attempt: (line: Line, traits: BrokerTraits) => Promise<T>,
    bytes: (traits: BrokerTraits) => number,
  ): Promise<T> {
    const { maxRetries, maxBackoffMs, host, port } = this.config;
    let failureCount = 0;
    for (;;) {
      let line: Line | undefined;
      try {
        // Mostly both are there already, and a call is too short to wait for nothing twice.
        const traits = this.#lines.knownTraits ?? (await this.#lines.traits(bounds));
        const isLarge = bytes(traits) > CHANNEL_BODY_BYTES_MAX;
        line = this.#lines.takeIdle(isLarge) ?? (await this.#lines.acquire(bounds, isLarge));
        return await attempt(line, traits);
      } catch (error) {
        line?.close();
        if (!isLost(error)) throw error;
        throwIfEnded(bounds);
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

  /** The handshake on the line is over. */
  release(line: Line): void {
    this.#lines.release(line);
  }

  /** How long a broker may be silent in this call. */
  silenceMs(bounds: CallBounds): number {
    return answerMs(bounds, this.config.connectionTimeoutMs);
  }
}
