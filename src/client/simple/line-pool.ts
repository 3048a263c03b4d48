/**
 * The lines of one client, and what it knows of its broker. A broker of ours keeps connections open
 * from request to request, holds a POP while its queue is empty, and carries many lines on one
 * connection; the original does none of it. Which of the two it is, the first PING tells.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  clampTimerMs,
  firedIn,
  hasCode,
  messageOf,
  onFired,
  sharedAbortController,
} from "../../core/index.js";
import { encodePing, WireErrors } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { answerMs, type CallBounds, throwIfEnded, within } from "../retry.js";
import { type BrokerTraits, traitsOf } from "./broker-traits.js";
import { type Address, Connection } from "./connection.js";
import type { Line } from "./line.js";

export interface LinePoolConfig extends Address {
  readonly connectionTimeoutMs: number;
  readonly maxConnections: number;
}

export class LinePool {
  readonly #config: LinePoolConfig;
  readonly #connections = new Set<Connection>();
  readonly #lines = new Set<Line>();
  /** Lines that wait for their next request: those with a connection of their own, and channels. */
  readonly #idle: { readonly own: Line[]; readonly shared: Line[] } = { own: [], shared: [] };
  readonly #waiting = new Set<() => void>();
  #openingCount = 0;
  readonly #closing = sharedAbortController();
  #traits: BrokerTraits | undefined;
  /** The connection that the first PING came on, if the broker has split it. */
  #trunk: Connection | undefined;
  #discovery: Promise<BrokerTraits> | undefined;

  constructor(config: LinePoolConfig) {
    this.#config = config;
  }

  /** Fires, with CLIENT_CLOSED, when the pool is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** What the broker is like, if that was asked already. */
  get knownTraits(): BrokerTraits | undefined {
    return this.#traits;
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
    throwIfEnded(bounds);
    this.#discovery ??= this.#discover().finally(() => {
      this.#discovery = undefined;
    });
    const { host, port, connectionTimeoutMs } = this.#config;
    const waitMs = answerMs(bounds, connectionTimeoutMs);
    const tooLate = () => ClientErrors.SILENCE({ host, port, silenceMs: waitMs });
    const wait = { waitMs, signals: bounds.signals };
    return await within(this.#discovery, wait, tooLate);
  }

  /** Another broker may answer next time. */
  forgetTraits(): void {
    this.#traits = undefined;
  }

  /**
   * An open line for one request or handshake. Its holder gives it back with `release`, or an `ask`
   * that fails closes it.
   *
   * @param isLarge what is to be sent would keep others waiting on a connection that they share.
   * @throws CLIENT_CONNECTION_LOST, CLIENT_CONNECTIONS_USED_UP, CLIENT_CLOSED
   */
  async acquire(bounds: CallBounds, isLarge: boolean): Promise<Line> {
    for (;;) {
      this.closed.throwIfAborted();
      const idle = this.takeIdle(isLarge);
      if (idle !== undefined) return idle;
      const trunk = isLarge ? undefined : this.#trunk;
      if (this.#lines.size + this.#openingCount < this.#config.maxConnections) {
        return trunk?.hasRoom ? this.#added(trunk.openLine()) : this.#open(bounds);
      }
      // Lines of the other kind that nobody uses make room.
      const other = trunk === undefined ? this.#idle.shared.pop() : this.#idle.own.pop();
      if (other !== undefined) other.close();
      else await this.#waitForPlace(bounds);
    }
  }

  /** A line that waits for its next request, if one does. Else see `acquire`. */
  takeIdle(isLarge: boolean): Line | undefined {
    const idle = isLarge || this.#trunk === undefined ? this.#idle.own : this.#idle.shared;
    for (let line = idle.pop(); line !== undefined; line = idle.pop()) {
      if (!line.isOpen) continue;
      line.setIdle(false);
      return line;
    }
    return undefined;
  }

  /** The handshake on the line is over: it waits for the next one where the broker keeps it. */
  release(line: Line): void {
    if (!line.isOpen) return;
    if (this.closed.aborted || this.#traits?.keepsOpen !== true) {
      line.close();
      return;
    }
    line.setIdle(true);
    if (line.isChannel) this.#idle.shared.push(line);
    else this.#idle.own.push(line);
    this.#wakeOne();
  }

  close(): void {
    this.#closing.abort(ClientErrors.CLOSED({}));
    for (const connection of this.#connections) connection.close();
    for (const wake of this.#waiting) wake();
  }

  async #discover(): Promise<BrokerTraits> {
    const { host, port, connectionTimeoutMs } = this.#config;
    const connection = await this.#connect(connectionTimeoutMs, [this.closed]);
    const line = connection.openLine();
    try {
      const { features } = await line.ask(encodePing(), connectionTimeoutMs, [this.closed]);
      const traits = traitsOf(features);
      if (traits.hasChannels) {
        await connection.split(line, connectionTimeoutMs, [this.closed]);
        this.#trunk = connection;
      } else connection.close();
      this.#traits = traits;
      return traits;
    } catch (error) {
      connection.close();
      if (!isForeign(error)) throw error;
      throw ClientErrors.NOT_A_BROKER({ host, port, reason: messageOf(error) }, error);
    }
  }

  async #open(bounds: CallBounds): Promise<Line> {
    this.#openingCount++;
    try {
      const waitMs = answerMs(bounds, this.#config.connectionTimeoutMs);
      const connection = await this.#connect(waitMs, [...bounds.signals, this.closed]);
      const line = this.#added(connection.openLine());
      if (this.closed.aborted) line.close();
      return line;
    } catch (error) {
      this.#wakeOne();
      throw error;
    } finally {
      this.#openingCount--;
    }
  }

  async #connect(waitMs: number, signals: readonly AbortSignal[]): Promise<Connection> {
    const connection = await Connection.open(this.#config, waitMs, signals);
    this.#connections.add(connection);
    connection.onClose = () => {
      this.#connections.delete(connection);
      if (this.#trunk !== connection) return;
      this.#trunk = undefined;
      this.forgetTraits();
    };
    if (this.closed.aborted) connection.close();
    return connection;
  }

  #added(line: Line): Line {
    this.#lines.add(line);
    line.onClose = () => {
      this.#lines.delete(line);
      this.#wakeOne();
    };
    return line;
  }

  async #waitForPlace({ deadline, signals }: CallBounds): Promise<void> {
    const { maxConnections } = this.#config;
    if (deadline.leftMs === 0) throw ClientErrors.CONNECTIONS_USED_UP({ maxConnections });
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#waiting.add(wake);
    const forget = onFired(signals, wake);
    // Either the time is over or, far more often, the sleep is cut short by `wake`.
    const waitMs = clampTimerMs(deadline.leftMs);
    await sleep(waitMs, undefined, { signal: woken.signal }).catch(() => {});
    this.#waiting.delete(wake);
    forget();
    const fired = firedIn(signals);
    if (fired === undefined) return;
    // The place that became free, if one did, is for who still waits.
    this.#wakeOne();
    throw fired.reason;
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
