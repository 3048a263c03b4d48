/**
 * Metrics, health and traces of what runs in this process: joins the readers of the room `telemetry`
 * with a pipeline and a broker. Off unless a port or an endpoint is given, and then it costs nothing.
 */
import { z } from "zod";
import type { MessageBroker } from "../broker/index.js";
import { Component, type Logger } from "../core/index.js";
import type { IngestControlMessage } from "../message/index.js";
import type { PipelineObserver } from "../pipeline/index.js";
import {
  combineObservers,
  HealthChecks,
  Metrics,
  MetricsOptions,
  MetricsServer,
  openTracing,
  type PipelineFacts,
  SpanObserver,
  type Tracing,
  TracingOptions,
  tracesUrl,
} from "../telemetry/index.js";

import { tracedJob } from "./traced-job.js";

/** The longest time for the last spans, where nobody says how long. */
const FLUSH_MS = 2_000;
/** Queues that are told by name; the operator configures few. */
const QUEUES_MAX = 100;

export const TelemetryOptions = z.strictObject({
  metrics: MetricsOptions.prefault({}),
  ...TracingOptions.shape,
});
export type TelemetryOptions = z.input<typeof TelemetryOptions>;
export type TelemetryConfig = z.output<typeof TelemetryOptions>;

/** What is watched. */
export interface Watched {
  readonly pipeline?: () => PipelineFacts | undefined;
  /** Whether the broker that the pipeline takes its jobs from answers. */
  readonly isSourceReachable?: () => Promise<boolean>;
  readonly broker?: MessageBroker;
  /** Queues of the broker that are told one by one. */
  readonly queueNames?: readonly string[];
}

interface Serving {
  readonly metrics: Metrics;
  readonly server: MetricsServer;
}

/**
 * Errors of `start`: TELEMETRY_REMOTE_REFUSED, TELEMETRY_PORT_TAKEN, TELEMETRY_LISTEN_FAILED,
 * TELEMETRY_PEER_MISSING. Start it before what it watches and stop it after.
 */
export class Telemetry extends Component<{ readonly timeoutMs: number }> {
  readonly #config: TelemetryConfig;
  readonly #watched: Watched;
  readonly #logger: Logger;
  #serving: Serving | undefined;
  #tracing: Tracing | undefined;
  #observer: PipelineObserver | undefined;

  /** Opens nothing yet. */
  constructor(config: TelemetryConfig, watched: Watched, { logger }: { readonly logger: Logger }) {
    super();
    this.#config = config;
    this.#watched = watched;
    this.#logger = logger;
  }

  /** To be told of all that the pipeline does; undefined before the start, and when all is off. */
  get observer(): PipelineObserver | undefined {
    return this.#observer;
  }

  /** Where metrics are served; undefined when they are not. */
  get metricsUrl(): string | undefined {
    if (this.#serving === undefined) return undefined;
    const { host, port } = this.#serving.server;
    return `http://${host.includes(":") ? `[${host}]` : host}:${port}/metrics`;
  }

  protected override async onStart(): Promise<void> {
    const url = tracesUrl(this.#config);
    const { otlpServiceName: serviceName } = this.#config;
    const tracing =
      url === undefined
        ? undefined
        : await openTracing({ url, serviceName }, { logger: this.#logger });
    try {
      this.#serving = await this.#serve();
    } catch (error) {
      await tracing?.stop({ timeoutMs: 0 });
      throw error;
    }
    this.#tracing = tracing;
    this.#observer = combineObservers<IngestControlMessage>(
      this.#serving?.metrics.observer,
      tracing && new SpanObserver(tracing, tracedJob),
    );
  }

  protected override async onStop(options?: { readonly timeoutMs: number }): Promise<void> {
    this.#observer = undefined;
    this.#serving?.metrics.stop();
    await this.#serving?.server.stop();
    this.#serving = undefined;
    await this.#tracing?.stop({ timeoutMs: options?.timeoutMs ?? FLUSH_MS });
    this.#tracing = undefined;
  }

  async #serve(): Promise<Serving | undefined> {
    const { port, livenessMs } = this.#config.metrics;
    if (port === undefined) return undefined;
    const { pipeline, isSourceReachable, broker, queueNames = [] } = this.#watched;
    const names = [...new Set(queueNames)].slice(0, QUEUES_MAX);
    const metrics = new Metrics({
      pipeline,
      broker: broker && (() => broker.getStats()),
      queues: broker && (() => broker.queueStats(names)),
    });
    const health = new HealthChecks({
      pipeline,
      isSourceReachable,
      brokerState: broker && (() => broker.state),
      livenessMs,
    });
    const logger = this.#logger;
    const server = new MetricsServer(this.#config.metrics, { metrics, health }, { logger });
    await server.start();
    metrics.start();
    return { metrics, server };
  }
}

/** The queues that an operator has named: that of the pipeline, and those with settings. */
export function queueNames(
  taskQueue: string,
  { queues }: { readonly queues: Readonly<Record<string, unknown>> },
): string[] {
  return [taskQueue, ...Object.keys(queues)];
}
