/**
 * The connections of one client, and what it knows of its broker. A broker of ours keeps connections
 * open from request to request and holds a POP while its queue is empty; the original does neither.
 * Which of the two it is, the first PING tells.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { clampTimerMs, hasCode, messageOf, sharedAbortController } from "../../core/index.js";
import { encodePing, WireErrors } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { answerMs, type CallBounds, within } from "../retry.js";
import { type BrokerTraits, traitsOf } from "./broker-traits.js";
import { Line, type LineAddress } from "./line.js";

export interface LinePoolConfig extends LineAddress {
  readonly connectionTimeoutMs: number;
  readonly maxConnections: number;
}

export class LinePool {
  readonly #config: LinePoolConfig;
  readonly #lines = new Set<Line>();
  readonly #idle: Line[] = [];
  readonly #waiting = new Set<() => void>();
  #openingCount = 0;
  readonly #closing = sharedAbortController();
  #traits: BrokerTraits | undefined;
  #discovery: Promise<BrokerTraits> | undefined;

  constructor(config: LinePoolConfig) {
    this.#config = config;
  }

  /** Fires, with CLIENT_CLOSED, when the pool is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * What the broker is like; asked once, and again after a connection was lost. Calls share the
   * question, so it is bounded by the client's own time and each call waits no longer than its own.
   *
   * @throws CLIENT_CONNECTION_LOST, CLIENT_SILENCE, CLIENT_NOT_A_BROKER
   */
  async traits(bounds: CallBounds): Promise<BrokerTraits> {
    if (this.#traits !== undefined) return this.#traits;
    // A question that nobody waits for would be an error that nobody handles.
    bounds.signal?.throwIfAborted();
    this.#discovery ??= this.#discover().finally(() => {
      this.#discovery = undefined;
    });
    const { host, port, connectionTimeoutMs } = this.#config;
    const waitMs = answerMs(bounds, connectionTimeoutMs);
    const tooLate = () => ClientErrors.SILENCE({ host, port, silenceMs: waitMs });
    const wait = { waitMs, signal: bounds.signal };
    this.#traits = await within(this.#discovery, wait, tooLate);
    return this.#traits;
  }

  /** Another broker may answer next time. */
  forgetTraits(): void {
    this.#traits = undefined;
  }

  /**
   * An open line for one request or handshake. Its holder gives it back with `release`, or an `ask`
   * that fails closes it.
   *
   * @throws CLIENT_CONNECTION_LOST, CLIENT_CONNECTIONS_USED_UP, CLIENT_CLOSED
   */
  async acquire(bounds: CallBounds): Promise<Line> {
    for (;;) {
      this.closed.throwIfAborted();
      const idle = this.#idle.pop();
      if (idle?.isOpen) {
        idle.setIdle(false);
        idle.wasKept = true;
        return idle;
      }
      if (idle !== undefined) continue;
      if (this.#lines.size + this.#openingCount < this.#config.maxConnections) {
        return this.#open(bounds);
      }
      await this.#waitForPlace(bounds);
    }
  }

  /** The handshake on the line is over: it waits for the next one where the broker keeps it. */
  release(line: Line): void {
    if (!line.isOpen) return;
    if (this.closed.aborted || this.#traits?.keepsOpen !== true) {
      line.close();
      return;
    }
    line.setIdle(true);
    this.#idle.push(line);
    this.#wakeOne();
  }

  close(): void {
    this.#closing.abort(ClientErrors.CLOSED({}));
    for (const line of this.#lines) line.close();
    for (const wake of this.#waiting) wake();
  }

  async #discover(): Promise<BrokerTraits> {
    const { host, port, connectionTimeoutMs } = this.#config;
    const line = await Line.open(this.#config, connectionTimeoutMs, this.closed);
    try {
      const { features } = await line.ask(encodePing(), connectionTimeoutMs, this.closed);
      return traitsOf(features);
    } catch (error) {
      if (!isForeign(error)) throw error;
      throw ClientErrors.NOT_A_BROKER({ host, port, reason: messageOf(error) }, error);
    } finally {
      line.close();
    }
  }

  async #open(bounds: CallBounds): Promise<Line> {
    this.#openingCount++;
    try {
      const waitMs = answerMs(bounds, this.#config.connectionTimeoutMs);
      const line = await Line.open(this.#config, waitMs, bounds.signal);
      this.#lines.add(line);
      line.onClose = () => {
        this.#lines.delete(line);
        this.#wakeOne();
      };
      if (this.closed.aborted) line.close();
      return line;
    } catch (error) {
      this.#wakeOne();
      throw error;
    } finally {
      this.#openingCount--;
    }
  }

  async #waitForPlace({ deadline, signal }: CallBounds): Promise<void> {
    const { maxConnections } = this.#config;
    if (deadline.leftMs === 0) throw ClientErrors.CONNECTIONS_USED_UP({ maxConnections });
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#waiting.add(wake);
    signal?.addEventListener("abort", wake);
    // Either the time is over or, far more often, the sleep is cut short by `wake`.
    const waitMs = clampTimerMs(deadline.leftMs);
    await sleep(waitMs, undefined, { signal: woken.signal }).catch(() => {});
    this.#waiting.delete(wake);
    signal?.removeEventListener("abort", wake);
    if (!signal?.aborted) return;
    // The place that became free, if one did, is for who still waits.
    this.#wakeOne();
    throw signal.reason;
  }

  #wakeOne(): void {
    const [wake] = this.#waiting;
    if (wake === undefined) return;
    this.#waiting.delete(wake);
    wake();
  }
}

/** What came back is no answer of the protocol: another program's greeting reads as a huge frame. */
function isForeign(error: unknown): boolean {
  return [WireErrors.FRAME_TOO_LARGE, WireErrors.RESPONSE_INVALID].some(({ code }) =>
    hasCode(error, code),
  );
}
