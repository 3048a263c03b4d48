/**
 * The connections of one client, and what it knows of its broker. A broker of ours keeps connections
 * open from request to request and holds a POP while its queue is empty; the original does neither.
 * Which of the two it is, the first PING tells.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { encodePing } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { type CallBounds, within } from "../retry.js";
import { Line, type LineAddress } from "./line.js";

export interface BrokerTraits {
  /** Connections stay open after an answer. */
  readonly keepsOpen: boolean;
  /** A POP on an empty queue is answered when a message comes, or its time is over. */
  readonly holds: boolean;
}

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
  #isClosed = false;
  #traits: BrokerTraits | undefined;
  #discovery: Promise<BrokerTraits> | undefined;

  constructor(config: LinePoolConfig) {
    this.#config = config;
  }

  /**
   * What the broker is like; asked once, and again after a connection was lost. Calls share the
   * question, so it is bounded by the client's own time and each call waits no longer than its own.
   */
  async traits(bounds: CallBounds): Promise<BrokerTraits> {
    if (this.#traits !== undefined) return this.#traits;
    this.#discovery ??= this.#discover().finally(() => {
      this.#discovery = undefined;
    });
    const { host, port } = this.#config;
    const silenceMs = Math.max(1, bounds.deadline.leftMs);
    const tooLate = () => ClientErrors.SILENCE({ host, port, silenceMs });
    this.#traits = await within(this.#discovery, bounds, tooLate);
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
      if (this.#isClosed) throw ClientErrors.CLOSED({});
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
    if (this.#isClosed || this.#traits?.keepsOpen !== true) {
      line.close();
      return;
    }
    line.setIdle(true);
    this.#idle.push(line);
    this.#wakeOne();
  }

  close(): void {
    this.#isClosed = true;
    for (const line of this.#lines) line.close();
    for (const wake of this.#waiting) wake();
  }

  async #discover(): Promise<BrokerTraits> {
    const { connectionTimeoutMs } = this.#config;
    const line = await Line.open(this.#config, connectionTimeoutMs);
    try {
      const { features } = await line.ask(encodePing(), connectionTimeoutMs);
      return { keepsOpen: features.includes("keepalive"), holds: features.includes("hold") };
    } finally {
      line.close();
    }
  }

  async #open({ deadline, signal }: CallBounds): Promise<Line> {
    this.#openingCount++;
    try {
      const waitMs = Math.min(this.#config.connectionTimeoutMs, Math.max(1, deadline.leftMs));
      const line = await Line.open(this.#config, waitMs, signal);
      this.#lines.add(line);
      line.onClose = () => {
        this.#lines.delete(line);
        this.#wakeOne();
      };
      if (this.#isClosed) line.close();
      return line;
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
    await sleep(deadline.leftMs, undefined, { signal: woken.signal }).catch(() => {});
    this.#waiting.delete(wake);
    signal?.removeEventListener("abort", wake);
    signal?.throwIfAborted();
  }

  #wakeOne(): void {
    const [wake] = this.#waiting;
    if (wake === undefined) return;
    this.#waiting.delete(wake);
    wake();
  }
}
