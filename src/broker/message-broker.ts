/**
 * The broker in a process: listens, keeps its connections, opens and closes its store, stops in
 * bounded time. What it queues stands in `queues.ts`, what a connection does in `connection.ts`.
 */
import { createServer, isIP, type Server } from "node:net";
import {
  Component,
  clampTimerMs,
  epochSeconds,
  isoNow,
  type Logger,
  messageOf,
  monotonicMs,
  processId,
  silentLogger,
  VERSION,
} from "../core/index.js";
import {
  type CancelOutcome,
  type DeadAnswer,
  type DeadQuestion,
  FEATURES,
  type HeldMessage,
  type MessageExchange,
} from "../wire/index.js";
import { type BrokerCounters, type BrokerState, zeroCounters } from "./broker-state.js";
import { Connection } from "./connection.js";
import { BrokerErrors } from "./errors.js";
import type { JobLedger, LedgerStats } from "./job-ledger.js";
import { LocalExchange } from "./local-exchange.js";
import type { BrokerConfig } from "./options.js";
import { describePortOwner } from "./port-owner.js";
import { PushDoubts } from "./push-doubts.js";
import { type QueueStats, Queues } from "./queues.js";
import { MemoryStore } from "./store/memory-store.js";
import {
  CONFIRM_MS,
  type MessageStore,
  type Recovered,
  type StoreStats,
} from "./store/message-store.js";
import type { FileLayer } from "./store/segments/disk/file-layer.js";
import { SegmentStore } from "./store/segments/segment-store.js";

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

/** What a broker can do that knows no jobs. */
const WITHOUT_LEDGER = ["keepalive", "hold", "lease", "dedup", "direct", "channels"] as const;

export interface MessageBrokerStats extends BrokerCounters {
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
  /** Messages that a stop threw away, because they were in memory only. */
  dropped: number;
  /** Messages that a stop left in the store. */
  kept: number;
  /** Pushes that are stored while their senders may not know it. */
  doubts: number;
  store: StoreStats;
  /** Undefined where the broker knows messages only. */
  jobs: LedgerStats | undefined;
}

export interface MessageBrokerDependencies {
  readonly logger?: Logger;
  /** Who decides what becomes of jobs; without one a job is a message like any other. */
  readonly ledger?: JobLedger;
  /** The files of a durable store; those of the system unless given. */
  readonly files?: FileLayer;
}

/**
 * A message broker that speaks the protocol of nv-ingest's simple broker over TCP. As a
 * `MessageExchange` it can also be used without the network; with its messages in memory even before
 * `start`.
 *
 * Errors of `start`: BROKER_REMOTE_REFUSED, BROKER_PORT_TAKEN, BROKER_LISTEN_FAILED, STORE_LOCKED,
 * STORE_FORMAT_UNKNOWN, STORE_UNUSABLE.
 */
export class MessageBroker
  extends Component<{ readonly drainTimeoutMs?: number }>
  implements MessageExchange
{
  readonly config: BrokerConfig;
  readonly #logger: Logger;
  readonly #ledger: JobLedger | undefined;
  readonly #files: FileLayer | undefined;
  readonly #connections = new Set<Connection>();
  readonly #counters = zeroCounters();
  #store!: MessageStore;
  #queues!: Queues;
  #doubts!: PushDoubts;
  /** The store is open, and messages can come and go. */
  #isOpen = false;
  #server: Server | undefined;
  #startTime: string | null = null;
  #dropped = 0;
  #kept = 0;
  #phase: BrokerState["phase"] = "open";
  #onEmpty: (() => void) | undefined;
  #ended: Promise<void> | undefined;
  #local!: LocalExchange;

  constructor(config: BrokerConfig, dependencies: MessageBrokerDependencies = {}) {
    super();
    this.config = config;
    this.#logger = dependencies.logger ?? silentLogger;
    this.#ledger = dependencies.ledger;
    this.#files = dependencies.files;
    this.#prepare();
  }

  /** Rejects when the broker cannot go on: its disk failed. Undefined before `start`. */
  get ended(): Promise<void> | undefined {
    return this.#ended;
  }

  get host(): string {
    return this.config.host;
  }

  /** The port that is listened at; before `start` the one asked for. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : this.config.port;
  }

  getStats(): MessageBrokerStats {
    return {
      running: this.state === "running",
      startTime: this.#startTime,
      connections: this.#connections.size,
      ...this.#queues.count(),
      heldBytes: this.#queues.budget.heldBytes,
      dropped: this.#dropped,
      kept: this.#kept,
      doubts: this.#doubts.count,
      store: this.#store.getStats(),
      jobs: this.#ledger?.getStats(),
      ...this.#counters,
    };
  }

  /** Of each queue that is named, whether or not it exists. */
  queueStats(queueNames: readonly string[]): Record<string, QueueStats> {
    return Object.fromEntries(queueNames.map((name) => [name, this.#queues.stats(name)]));
  }

  store(...call: Parameters<MessageExchange["store"]>): Promise<string> {
    return this.#local.store(...call);
  }

  take(...call: Parameters<MessageExchange["take"]>): Promise<HeldMessage | undefined> {
    return this.#local.take(...call);
  }

  size(queueName: string): number {
    return this.#queues.size(queueName);
  }

  async cancel(jobId: string): Promise<CancelOutcome> {
    return this.#ledger?.cancel(jobId) ?? "unknown";
  }

  async dead(question: DeadQuestion): Promise<DeadAnswer> {
    return this.#ledger?.dead(question) ?? { letters: [], count: 0 };
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
    await this.#open();
    try {
      await this.#startServer(host, port, maxConnections);
    } catch (error) {
      await this.#close();
      throw error;
    }
    const { durability } = this.config;
    this.#startTime = isoNow();
    this.#logger.info({ host, port: this.port, durability }, "broker listens");
  }

  protected override async onStop(options?: { readonly drainTimeoutMs?: number }): Promise<void> {
    this.#phase = "stopping";
    this.#queues.isStopping = true;
    this.#server?.close();
    this.#local.endWaits();
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
    await this.#close();
    this.#server = undefined;
  }

  /** A broker with nothing in it. What is in memory can be used at once. */
  #prepare(): void {
    const { config } = this;
    const logger = this.#logger;
    const ledger = this.#ledger;
    const { durability } = config;
    const files = this.#files === undefined ? {} : { files: this.#files };
    const store =
      durability === "memory"
        ? new MemoryStore()
        : new SegmentStore({ ...config, durability }, { logger, ...files });
    this.#store = store;
    const now = () => Math.round(epochSeconds() * 1000);
    this.#queues = new Queues({ config, store, ledger, logger, now });
    this.#doubts = new PushDoubts(monotonicMs, (entry) => store.mark(entry, { kind: "confirmed" }));
    this.#local = new LocalExchange(this.#connectionState(), () => this.#isOpen);
    if (!(store instanceof MemoryStore)) return;
    this.#queues.open(store.open());
    this.#isOpen = true;
  }

  async #open(): Promise<void> {
    this.#phase = "open";
    const store = this.#store;
    if (!this.#isOpen) {
      const recovered = await this.#openStore();
      this.#queues.open(recovered);
      for (const { entry, digest } of recovered.unconfirmed) {
        const ageMs = Math.max(0, epochSeconds() * 1000 - entry.storedAtMs);
        const leftMs = CONFIRM_MS - ageMs;
        const key = digest.toString("latin1");
        this.#doubts.add({ key, id: entry.id, entry, stored: undefined }, leftMs);
      }
      this.#isOpen = true;
    }
    this.#ended = store.failed.then((error) => {
      this.#cutOff();
      throw error;
    });
    // Somebody may await it; whether or not, the reason is told.
    this.#ended.catch((error: unknown) => {
      this.#logger.error({ error: messageOf(error) }, "the broker cannot go on");
    });
  }

  async #openStore(): Promise<Recovered> {
    try {
      return await this.#store.open();
    } catch (error) {
      // A store opens once.
      this.#prepare();
      throw error;
    }
  }

  /** The disk failed: nothing that is said from now on could be kept. */
  #cutOff(): void {
    this.#isOpen = false;
    this.#phase = "stopping";
    this.#server?.close();
    for (const connection of this.#connections) connection.destroy();
  }

  async #startServer(host: string, port: number, maxConnections: number): Promise<void> {
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
  }

  async #close(): Promise<void> {
    const { ready, inFlight } = this.#queues.count();
    this.#isOpen = false;
    this.#ledger?.close();
    await this.#store.close();
    if (this.config.durability === "memory") this.#drop(ready + inFlight);
    else this.#kept = ready + inFlight;
    this.#prepare();
  }

  #connectionState(): BrokerState {
    const phase = () => this.#phase;
    return {
      config: this.config,
      queues: this.#queues,
      store: this.#store,
      doubts: this.#doubts,
      ledger: this.#ledger,
      counters: this.#counters,
      facts: {
        features: this.#ledger === undefined ? WITHOUT_LEDGER : FEATURES,
        server: "millrace",
        version: VERSION,
        pid: processId,
        durability: this.config.durability,
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
  #drop(dropped: number): void {
    this.#dropped += dropped;
    if (dropped > 0) this.#logger.warn({ dropped }, "messages in memory were dropped");
  }
}
