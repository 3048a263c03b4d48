/**
 * Broker and pipeline in one process: clients connect over TCP, the pipeline takes its jobs from
 * the same queues without the network.
 */
import { z } from "zod";
import type { MessageBrokerStats, QueueStats } from "../broker/index.js";
import {
  Component,
  type Logger,
  messageOf,
  monotonicMs,
  parseOptions,
  settlesWithin,
  silentLogger,
} from "../core/index.js";
import { answerQueued } from "./answer-queued.js";
import {
  LocalPipeline,
  type LocalPipelineDependencies,
  type LocalPipelineStats,
} from "./local-pipeline.js";
import { LocalPipelineSettings } from "./local-pipeline-settings.js";
import { SimpleMessageBroker, SimpleMessageBrokerOptions } from "./simple-message-broker.js";
import { queueNames, Telemetry, TelemetryOptions } from "./telemetry.js";

/** Parts of the time for a stop. What is left is for cutting off, for closing and for the clock. */
const PIPELINE_SHARE = 0.4;
const PIPELINE_SHARE_MAX = 0.7;
const ANSWER_SHARE = 0.1;
const BROKER_SHARE = 0.15;
const FLUSH_SHARE_MIN = 0.02;

export const LocalServerOptions = z.strictObject({
  broker: SimpleMessageBrokerOptions.omit({ drainTimeoutMs: true }).prefault({}),
  pipeline: LocalPipelineSettings.prefault({}),
  ...TelemetryOptions.shape,
  stopTimeoutMs: z
    .number()
    .int()
    .min(1_000)
    .max(2_147_483_647)
    .default(5_000)
    .describe("How long a stop may take in all; two fifths of it are for jobs in work to end."),
});
export type LocalServerOptions = z.input<typeof LocalServerOptions>;
export type LocalServerConfig = z.output<typeof LocalServerOptions>;

export interface LocalServerStats {
  broker: MessageBrokerStats;
  pipeline: LocalPipelineStats | undefined;
  /** The queue that the pipeline takes its jobs from. */
  taskQueue: QueueStats;
  /** Jobs that still waited at a stop and were answered as failed. */
  answeredAtStop: number;
}

/**
 * Errors of `start`: BROKER_REMOTE_REFUSED, BROKER_PORT_TAKEN, BROKER_LISTEN_FAILED, STORE_LOCKED,
 * STORE_FORMAT_UNKNOWN, STORE_UNUSABLE; those of `Telemetry`.
 *
 * A stop refuses new jobs at once, gives jobs in work their time, and then ends the broker. With
 * messages in memory, the rest of the jobs and those that still wait are answered as failed before
 * that, and what nobody fetched is gone and counted in `getStats().broker.dropped`. Otherwise they
 * stay in the store, and the next start goes on with them.
 */
export class LocalServer extends Component {
  readonly #config: LocalServerConfig;
  readonly #logger: Logger;
  readonly #broker: SimpleMessageBroker;
  readonly #pipeline: LocalPipeline;
  readonly #telemetry: Telemetry;
  #answeredAtStop = 0;

  /** Listens nowhere yet. @throws OPTIONS_INVALID */
  constructor(options: LocalServerOptions = {}, dependencies: LocalPipelineDependencies = {}) {
    super();
    const { logger = silentLogger } = dependencies;
    this.#logger = logger;
    this.#config = parseOptions(LocalServerOptions, options, "LocalServer");
    this.#broker = new SimpleMessageBroker(this.#config.broker, { logger });
    const brokerClient = { clientType: "memory", broker: this.#broker } as const;
    const observer = () => this.#telemetry.observer;
    this.#pipeline = new LocalPipeline(
      { brokerClient, ...this.#config.pipeline },
      { ...dependencies, logger, observer },
    );
    const watched = {
      pipeline: () => this.#pipeline.getStats(),
      broker: this.#broker,
      queueNames: queueNames(this.#config.pipeline.taskQueue, this.#config.broker),
    };
    this.#telemetry = new Telemetry(this.#config, watched, { logger });
  }

  get host(): string {
    return this.#broker.host;
  }

  /** The port that is listened at; before `start` the one asked for. */
  get port(): number {
    return this.#broker.port;
  }

  /** Where metrics are served; undefined when they are not. */
  get metricsUrl(): string | undefined {
    return this.#telemetry.metricsUrl;
  }

  /** As of `LocalPipeline`, and rejects too when the broker's disk fails. */
  get ended(): Promise<void> | undefined {
    const ends = [this.#pipeline.ended, this.#broker.ended];
    const known = ends.filter((end) => end !== undefined);
    return known.length === 0 ? undefined : Promise.race(known);
  }

  getStats(): LocalServerStats {
    const { taskQueue } = this.#config.pipeline;
    return {
      broker: this.#broker.getStats(),
      pipeline: this.#pipeline.getStats(),
      taskQueue: this.#broker.queueStats([taskQueue])[taskQueue] as QueueStats,
      answeredAtStop: this.#answeredAtStop,
    };
  }

  protected override async onStart(): Promise<void> {
    await this.#telemetry.start();
    try {
      await this.#broker.start();
      await this.#pipeline.start();
    } catch (error) {
      await this.#broker.stop();
      await this.#telemetry.stop({ timeoutMs: 0 });
      throw error;
    }
  }

  protected override async onStop(): Promise<void> {
    const { stopTimeoutMs } = this.#config;
    const endMs = monotonicMs() + stopTimeoutMs;
    this.#broker.drain();
    const timeoutMs = Math.ceil(stopTimeoutMs * PIPELINE_SHARE);
    const isMemory = this.#config.broker.durability === "memory";
    const unfinished = isMemory ? "fail" : "release";
    const stopped = this.#pipeline.stop({ timeoutMs, unfinished });
    const isStopped = await settlesWithin(stopped, stopTimeoutMs * PIPELINE_SHARE_MAX);
    if (isStopped && isMemory) await this.#answerQueued(stopTimeoutMs * ANSWER_SHARE);
    await this.#broker.stop({ drainTimeoutMs: Math.ceil(stopTimeoutMs * BROKER_SHARE) });
    const leftMs = Math.max(stopTimeoutMs * FLUSH_SHARE_MIN, endMs - monotonicMs());
    await this.#telemetry.stop({ timeoutMs: leftMs });
  }

  async #answerQueued(timeoutMs: number): Promise<void> {
    const { taskQueue } = this.#config.pipeline;
    try {
      const answered = await answerQueued(this.#broker, { taskQueue, timeoutMs });
      this.#answeredAtStop += answered;
      if (answered > 0) this.#logger.warn({ answered }, "queued jobs were answered as failed");
    } catch (error) {
      // A full queue of results, say: what is left is dropped and counted.
      this.#logger.error({ error: messageOf(error) }, "queued jobs could not be answered");
    }
  }
}
