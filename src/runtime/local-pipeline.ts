/**
 * A pipeline on this machine: takes jobs from a broker, carries them through the stages of a definition
 * (without one, those that need no model), hands results back. It owns its threads and its client; the
 * broker is somebody else's.
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
  type Pipeline,
  type PipelineObserver,
  type PipelineStats,
  StopOptions,
} from "../pipeline/index.js";
import { MessageBrokerTaskSink } from "../sinks/index.js";
import { MessageBrokerTaskSource } from "../sources/index.js";
import type { UdfFunctions } from "../stages/index.js";
import { WorkerPool, type WorkerPoolStats } from "../workers/index.js";
import {
  type CheckpointStoreStats,
  FileCheckpointStore,
} from "./checkpoints/file-checkpoint-store.js";
import { buildPipeline } from "./config/build/build-pipeline.js";
import { makePipeline } from "./config/build/make-pipeline.js";
import { definePipeline } from "./config/definition/define-pipeline.js";
import { type NamedPipeline, pipelineFromCode } from "./config/named-pipeline.js";
import {
  BuiltInSettings,
  EngineSettings,
  LocalPipelineSettings,
} from "./local-pipeline-settings.js";
import { Telemetry, TelemetryOptions } from "./telemetry.js";

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
  /**
   * The stages and what belongs to them, from `readPipelineFile` or `pipelineFromCode`; its settings
   * are not looked at, the options stand for them. Without it: the local stages.
   */
  readonly pipeline?: NamedPipeline | undefined;
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
 * Errors of `start`: CLIENT_BROKER_UNAVAILABLE and what else the client
 * throws; RUNTIME_CHECKPOINTS_UNUSABLE; RUNTIME_PIPELINE_INVALID for the definition; OPTIONS_INVALID
 * for functions; those of `Telemetry`.
 */
export class LocalPipeline extends Component<StopOptions> {
  readonly #config: LocalPipelineConfig;
  readonly #logger: Logger;
  readonly #udf: UdfFunctions;
  readonly #pipeline: NamedPipeline;
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
    this.#pipeline = dependencies.pipeline ?? pipelineFromCode(definePipeline({}));
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
    const { brokerClient, taskQueue, leaseMs, strictSchema, maxResultBytes } = this.#config;
    const settings = EngineSettings.parse(this.#config);
    const logger = this.#logger;
    const store = await this.#openCheckpoints();
    const pool = new WorkerPool(this.#config.workers);
    const { client, close } = useClient(withConnections(brokerClient, this.#config.concurrency), {
      logger,
    });
    const sourceOptions = { brokerClient: client, taskQueue, leaseMs, strictSchema };
    const source = new MessageBrokerTaskSource(sourceOptions, { logger });
    const sink = new MessageBrokerTaskSink({ brokerClient: client, maxResultBytes }, { logger });
    const observer = this.#observer?.() ?? this.#telemetry.observer;
    let pipeline: Pipeline;
    try {
      const stages = await buildPipeline(this.#pipeline, {
        ...{ pool, logger, settings: BuiltInSettings.parse(this.#config), udf: this.#udf },
        udfPolicy: this.#config.udf.policy,
        keepsCheckpoints: store !== undefined,
      });
      const parts = { source, sink, ...stages, ...settings };
      const means = { logger, observer, checkpoints: store };
      pipeline = makePipeline(this.#pipeline, { ...parts, ...means });
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
