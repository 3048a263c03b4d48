/**
 * The broker for use in a process: listens, keeps its connections, stops in bounded time. What it
 * queues stands in `queues.ts`, what a connection does in `connection.ts`.
 */
import { createServer, isIP, type Server } from "node:net";
import {
  Component,
  clampTimerMs,
  isoNow,
  type Logger,
  messageOf,
  newId,
  parseOptions,
  processId,
  silentLogger,
  VERSION,
} from "../core/index.js";
import { type HeldMessage, type MessageExchange, QueueErrors, stampJobId } from "../wire/index.js";
import { type BrokerCounters, type BrokerState, zeroCounters } from "./broker-state.js";
import { Connection } from "./connection.js";
import { BrokerErrors } from "./errors.js";
import { type SimpleMessageBrokerConfig, SimpleMessageBrokerOptions } from "./options.js";
import { describePortOwner } from "./port-owner.js";
import { type Loan, Queues } from "./queues.js";

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/i;
/** Frames are written whole, half-closed peers are answered, and vanished ones are noticed. */
const SOCKET_OPTIONS = {
  noDelay: true,
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
};
/** Connections the kernel may hold before they are accepted; it cuts this to its own limit. */
const BACKLOG = 4_096;

export interface SimpleMessageBrokerStats extends BrokerCounters {
  running: boolean;
  /** ISO 8601, or null before the first start. */
  startTime: string | null;
  connections: number;
  /** Queues that hold or await something. */
  queues: number;
  ready: number;
  inFlight: number;
  waiters: number;
  heldBytes: number;
  /** Messages that a stop threw away: this broker keeps them in memory only. */
  dropped: number;
}

/**
 * A message broker that speaks the protocol of nv-ingest's simple broker over TCP, with its messages
 * in memory. As a `MessageExchange` it can also be used without the network, even before `start`.
 *
 * Errors of `start`: BROKER_REMOTE_REFUSED, BROKER_PORT_TAKEN, BROKER_LISTEN_FAILED.
 */
export class SimpleMessageBroker
  extends Component<{ readonly drainTimeoutMs?: number }>
  implements MessageExchange
{
  readonly config: SimpleMessageBrokerConfig;
  readonly #logger: Logger;
  readonly #connections = new Set<Connection>();
  readonly #counters = zeroCounters();
  #queues: Queues;
  #server: Server | undefined;
  #startTime: string | null = null;
  #dropped = 0;
  #phase: BrokerState["phase"] = "open";
  #onEmpty: (() => void) | undefined;
  /** Ends each wait of `take`. */
  readonly #localWaits = new Set<() => void>();

  /** @throws OPTIONS_INVALID */
  constructor(options: SimpleMessageBrokerOptions = {}, dependencies: { logger?: Logger } = {}) {
    super();
    this.config = parseOptions(SimpleMessageBrokerOptions, options, "SimpleMessageBroker");
    this.#logger = dependencies.logger ?? silentLogger;
    this.#queues = new Queues(this.config);
  }

  get host(): string {
    return this.config.host;
  }

  /** The port that is listened at; before `start` the one asked for. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : this.config.port;
  }

  getStats(): SimpleMessageBrokerStats {
    return {
      running: this.state === "running",
      startTime: this.#startTime,
      connections: this.#connections.size,
      ...this.#queues.count(),
      heldBytes: this.#queues.budget.heldBytes,
      dropped: this.#dropped,
      ...this.#counters,
    };
  }

  store(queueName: string, body: Buffer, options: { readonly stampJobId: boolean }): string {
    if (this.#phase === "stopping") throw QueueErrors.UNAVAILABLE({ queueName });
    const id = newId();
    const stored = options.stampJobId ? stampJobId(body, id) : body;
    this.#counters.pushes++;
    const reservation = this.#queues.reserve(queueName, stored, 0);
    if (reservation === undefined) {
      this.#counters.pushesRefused++;
      throw QueueErrors.FULL({ queueName });
    }
    reservation.store();
    this.#counters.stored++;
    return id;
  }

  take(
    queueName: string,
    options: { readonly waitMs: number; readonly signals?: readonly (AbortSignal | undefined)[] },
  ): Promise<HeldMessage | undefined> {
    const { waitMs, signals = [] } = options;
    this.#counters.pops++;
    const loan = this.#queues.take(queueName);
    if (loan !== undefined) return Promise.resolve(this.#held(loan));
    const isOver = waitMs <= 0 || signals.some((signal) => signal?.aborted);
    if (isOver || this.#phase === "stopping") return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const cancel = this.#queues.wait(queueName, (late) => finish(this.#held(late)));
      if (cancel === undefined) {
        const { maxWaitersPerQueue } = this.config;
        reject(QueueErrors.WAITERS_FULL({ queueName, maxWaitersPerQueue }));
        return;
      }
      const giveUp = () => {
        cancel();
        finish(undefined);
      };
      const finish = (message: HeldMessage | undefined) => {
        clearTimeout(timer);
        for (const signal of signals) signal?.removeEventListener("abort", giveUp);
        this.#localWaits.delete(giveUp);
        resolve(message);
      };
      const timer = setTimeout(giveUp, clampTimerMs(waitMs));
      for (const signal of signals) signal?.addEventListener("abort", giveUp);
      this.#localWaits.add(giveUp);
    });
  }

  size(queueName: string): number {
    return this.#queues.size(queueName);
  }

  /**
   * Refuses pushes over the network from now on. What is queued can still be fetched and, in this
   * process, answered, until `stop`.
   */
  drain(): void {
    this.#phase = "draining";
  }

  protected override async onStart(): Promise<void> {
    const { host, port, allowRemote, maxConnections } = this.config;
    if (!LOOPBACK.test(host) && !allowRemote) throw BrokerErrors.REMOTE_REFUSED({ host });
    this.#phase = "open";
    const state = this.#connectionState();
    const server = createServer(SOCKET_OPTIONS, (socket) => {
      this.#connections.add(new Connection(socket, state));
    });
    server.maxConnections = maxConnections;
    server.on("drop", () => this.#counters.connectionsRefused++);
    await this.#listen(server, host, port);
    // What the system refuses to accept later is its sender's loss, not the end of this process.
    server.on("error", (error) => {
      this.#logger.error({ error: messageOf(error) }, "a connection could not be accepted");
    });
    this.#server = server;
    this.#startTime = isoNow();
    this.#logger.info({ host, port: this.port, durability: "memory" }, "broker listens");
  }

  protected override async onStop(options?: { readonly drainTimeoutMs?: number }): Promise<void> {
    this.#phase = "stopping";
    this.#server?.close();
    for (const giveUp of [...this.#localWaits]) giveUp();
    for (const connection of this.#connections) connection.drain();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const drainTimeoutMs = options?.drainTimeoutMs ?? this.config.drainTimeoutMs;
        const timer = setTimeout(() => {
          for (const connection of this.#connections) connection.destroy();
        }, clampTimerMs(drainTimeoutMs));
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#drop();
    this.#server = undefined;
  }

  #held(loan: Loan): HeldMessage {
    return {
      body: loan.body,
      acknowledge: () => {
        if (loan.settle()) this.#counters.delivered++;
      },
      release: () => loan.giveBack(),
    };
  }

  #connectionState(): BrokerState {
    const phase = () => this.#phase;
    return {
      config: this.config,
      queues: this.#queues,
      counters: this.#counters,
      facts: {
        features: ["keepalive", "hold"],
        server: "millrace",
        version: VERSION,
        pid: processId,
        durability: "memory",
      },
      logger: this.#logger,
      get phase() {
        return phase();
      },
      onClose: (connection) => {
        this.#connections.delete(connection as Connection);
        if (this.#connections.size === 0) this.#onEmpty?.();
      },
    };
  }

  async #listen(server: Server, host: string, port: number): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port, backlog: BACKLOG }, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") {
        throw BrokerErrors.LISTEN_FAILED({ host, port, reason: messageOf(error) }, error);
      }
      const asked = isIP(host) === 0 ? "127.0.0.1" : host;
      const owner = await describePortOwner(asked, port);
      throw BrokerErrors.PORT_TAKEN({ host, port, owner }, error);
    }
  }

  /** What memory held is gone with the stop: it is counted and said. */
  #drop(): void {
    const { ready, inFlight } = this.#queues.count();
    this.#dropped += ready + inFlight;
    this.#queues = new Queues(this.config);
    if (ready + inFlight === 0) return;
    this.#logger.warn({ dropped: ready + inFlight }, "messages in memory were dropped");
  }
}
