/**
 * A pipeline with the stages that need no model: takes jobs from a broker, extracts text in
 * threads, hands results back. It owns its threads and its client; the broker is somebody else's.
 */
import { z } from "zod";
import {
  type BrokerClientConfig,
  BrokerClientOption,
  type MessageBrokerClient,
  type SimpleClientConfig,
  useClient,
} from "../client/index.js";
import {
  Component,
  type Logger,
  monotonicMs,
  OptionErrors,
  parseOptions,
  settlesWithin,
  silentLogger,
} from "../core/index.js";
import {
  Pipeline,
  type PipelineObserver,
  PipelineSettings,
  type PipelineStats,
  StopOptions,
} from "../pipeline/index.js";
import { MessageBrokerTaskSink, MessageBrokerTaskSinkConfig } from "../sinks/index.js";
import { MessageBrokerTaskSource, MessageBrokerTaskSourceConfig } from "../sources/index.js";
import {
  createExtractStages,
  ExtractOptions,
  metadataInjector,
  type UdfFunctions,
  UdfSettings,
  withUdf,
} from "../stages/index.js";
import { WorkerPool, WorkerPoolOptions, type WorkerPoolStats } from "../workers/index.js";
import { CheckpointSettings } from "./checkpoints/checkpoint-options.js";
import {
  type CheckpointStoreStats,
  FileCheckpointStore,
} from "./checkpoints/file-checkpoint-store.js";
import { Telemetry, TelemetryOptions } from "./telemetry.js";

const CONCURRENCY_MIN = 4;
/** Connections besides those of jobs: questions, and some air. */
const CONNECTIONS_EXTRA = 8;
const CONNECTIONS_MIN = 256;
/** What the pipeline may take after its drain time to answer or give back what it cut off. */
const CUT_OFF_MS = 1_250;
const CLOSE_MS = 500;
/** What a stop may take beyond its drain time, and what of it the last spans get in any case. */
const STOP_EXTRA_MS = 1_900;
const FLUSH_MIN_MS = 100;
const PING_MS = 2_000;

/** Two jobs per thread, so that no thread waits for its next job to be opened. */
function defaultConcurrency(): number {
  return Math.max(CONCURRENCY_MIN, 2 * WorkerPoolOptions.parse({}).maxThreads);
}

const { taskQueue, strictSchema } = MessageBrokerTaskSourceConfig.shape;

/** Everything but the broker. */
export const LocalPipelineSettings = z.strictObject({
  taskQueue,
  concurrency: PipelineSettings.shape.concurrency
    .unwrap()
    .default(defaultConcurrency)
    .meta({ description: "Jobs in work at a time.", defaultText: "twice the threads, at least 4" }),
  stageTimeoutMs: PipelineSettings.shape.stageTimeoutMs,
  strictSchema,
  maxResultBytes: MessageBrokerTaskSinkConfig.shape.maxResultBytes,
  workers: WorkerPoolOptions.pick({ maxThreads: true, maxHeapMb: true }).prefault({}),
  extract: ExtractOptions.prefault({}),
  udf: UdfSettings.prefault({}),
  checkpoints: CheckpointSettings.prefault({}),
});
export type LocalPipelineSettings = z.input<typeof LocalPipelineSettings>;

export const LocalPipelineOptions = z.strictObject({
  brokerClient: BrokerClientOption,
  ...LocalPipelineSettings.shape,
  ...TelemetryOptions.shape,
});
export type LocalPipelineOptions = z.input<typeof LocalPipelineOptions>;
export type LocalPipelineConfig = z.output<typeof LocalPipelineOptions>;

export interface LocalPipelineStats extends PipelineStats {
  workers: WorkerPoolStats;
  /** Only with a folder for checkpoints. */
  checkpointStore?: CheckpointStoreStats;
}

export interface LocalPipelineDependencies {
  readonly logger?: Logger;
  /** Functions that `udf` tasks may name, and hooks around stages. */
  readonly udf?: UdfFunctions;
  /** Asked at each start: who else hears what happens to jobs. */
  readonly observer?: () => PipelineObserver | undefined;
}

/** What exists between start and stop. */
interface Parts {
  readonly pool: WorkerPool;
  readonly client: MessageBrokerClient;
  readonly closeClient: () => Promise<void>;
  readonly pipeline: Pipeline;
  readonly store: FileCheckpointStore | undefined;
  readonly ended: Promise<void>;
}

/**
 * Errors of `start`: CLIENT_BROKER_UNAVAILABLE, CLIENT_TYPE_UNAVAILABLE and what else the client
 * throws; RUNTIME_CHECKPOINTS_UNUSABLE; OPTIONS_INVALID for functions; those of `Telemetry`.
 */
export class LocalPipeline extends Component<StopOptions> {
  readonly #config: LocalPipelineConfig;
  readonly #logger: Logger;
  readonly #udf: UdfFunctions;
  readonly #observer: LocalPipelineDependencies["observer"];
  readonly #telemetry: Telemetry;
  #parts: Parts | undefined;
  #lastStats: LocalPipelineStats | undefined;

  /** Connects to nothing and starts no thread. @throws OPTIONS_INVALID */
  constructor(options: LocalPipelineOptions = {}, dependencies: LocalPipelineDependencies = {}) {
    super();
    this.#config = parseOptions(LocalPipelineOptions, options, "LocalPipeline");
    const logger = dependencies.logger ?? silentLogger;
    this.#logger = logger;
    this.#udf = dependencies.udf ?? {};
    this.#observer = dependencies.observer;
    const watched = {
      pipeline: () => this.getStats(),
      isSourceReachable: () => this.#isBrokerReachable(),
    };
    this.#telemetry = new Telemetry(this.#config, watched, { logger });
  }

  /**
   * Settles when the pipeline works no more: resolves after a stop, rejects when it cannot go on,
   * for example because the broker refuses its requests. Undefined before the first start.
   */
  get ended(): Promise<void> | undefined {
    return this.#parts?.ended;
  }

  /** Where metrics are served; undefined when they are not. */
  get metricsUrl(): string | undefined {
    return this.#telemetry.metricsUrl;
  }

  /** Undefined before the first start; after a stop what held then. */
  getStats(): LocalPipelineStats | undefined {
    if (this.#parts === undefined) return this.#lastStats;
    const { pipeline, pool, store } = this.#parts;
    const checkpoints = store && { checkpointStore: store.getStats() };
    return { ...pipeline.getStats(), workers: pool.getStats(), ...checkpoints };
  }

  protected override async onStart(): Promise<void> {
    await this.#telemetry.start();
    try {
      await this.#startPipeline();
    } catch (error) {
      await this.#telemetry.stop({ timeoutMs: 0 });
      throw error;
    }
  }

  async #startPipeline(): Promise<void> {
    const { brokerClient, workers, extract, taskQueue, strictSchema, ...rest } = this.#config;
    const { concurrency, stageTimeoutMs, maxResultBytes } = rest;
    const logger = this.#logger;
    const store = await this.#openCheckpoints();
    const { client, close } = useClient(withConnections(brokerClient, concurrency));
    const pool = new WorkerPool(workers);
    const source = new MessageBrokerTaskSource(
      { brokerClient: client, taskQueue, strictSchema },
      { logger },
    );
    const sink = new MessageBrokerTaskSink({ brokerClient: client, maxResultBytes }, { logger });
    const extraction = createExtractStages(pool, extract);
    const udf = { ...this.#config.udf, ...this.#udf };
    const costly = new Set(extraction.map(({ name }) => name));
    const stages = withUdf([metadataInjector(), ...extraction], udf).map((stage) => ({
      stage,
      checkpoint: store !== undefined && costly.has(stage.name),
    }));
    const observer = this.#observer?.() ?? this.#telemetry.observer;
    const pipeline = new Pipeline({
      ...{ source, sink, stages, concurrency, stageTimeoutMs, logger, observer },
      checkpoints: store,
    });
    try {
      await sink.start();
      await source.start();
    } catch (error) {
      await Promise.all([pool.close(), sink.stop(), close()]);
      throw error;
    }
    // Unlike `start`, `run` tells when the pipeline cannot go on.
    const ended = pipeline.run().then(() => {});
    ended.catch(() => {});
    this.#parts = { pool, client, closeClient: close, pipeline, store, ended };
  }

  async #openCheckpoints(): Promise<FileCheckpointStore | undefined> {
    const { dir, ...limits } = this.#config.checkpoints;
    if (dir === undefined) return undefined;
    const store = new FileCheckpointStore({ dir, ...limits }, { logger: this.#logger });
    await store.open();
    return store;
  }

  /** Ends within the drain time and two seconds, whatever the stages and the broker do. */
  protected override async onStop(options?: StopOptions): Promise<void> {
    const { pool, closeClient, pipeline } = this.#parts as Parts;
    const config = parseOptions(StopOptions, options, "stop");
    const stopped = pipeline.stop(config);
    const drainMs = config.drain ? config.timeoutMs : 0;
    const endMs = monotonicMs() + drainMs + STOP_EXTRA_MS;
    // A full queue may keep the sink waiting for long; without its client it gives up.
    const isInTime = await settlesWithin(stopped, drainMs + CUT_OFF_MS);
    if (!isInTime) this.#logger.warn({}, "the pipeline did not stop in time");
    await settlesWithin(Promise.all([closeClient(), pool.close(), stopped]), CLOSE_MS);
    this.#lastStats = this.getStats();
    this.#parts = undefined;
    await this.#telemetry.stop({ timeoutMs: Math.max(FLUSH_MIN_MS, endMs - monotonicMs()) });
  }

  async #isBrokerReachable(): Promise<boolean> {
    if (this.#parts === undefined) return false;
    await this.#parts.client.ping({ timeoutMs: PING_MS });
    return true;
  }
}

/** Each job holds one connection until it is acknowledged, and needs one more for its result. */
function withConnections<T extends BrokerClientConfig | MessageBrokerClient>(
  brokerClient: T,
  concurrency: number,
): T {
  const isSimple =
    !("fetchDelivery" in brokerClient) &&
    (brokerClient.clientType === undefined || brokerClient.clientType === "simple");
  if (!isSimple) return brokerClient;
  const { maxConnections: given } = brokerClient as SimpleClientConfig;
  if (given !== undefined) {
    if (given > concurrency) return brokerClient;
    const fault = `"brokerClient.maxConnections" must be more than "concurrency" (${concurrency})`;
    throw OptionErrors.INVALID({ what: "LocalPipeline", faults: [`${fault}, is ${given}`] });
  }
  const maxConnections = Math.max(CONNECTIONS_MIN, 2 * concurrency + CONNECTIONS_EXTRA);
  return { ...brokerClient, maxConnections };
}
