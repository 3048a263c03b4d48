/**
 * Metrics in the text format of Prometheus. What others count is read when somebody asks; how long
 * jobs and stages took is heard from the pipeline. Labels are names of stages, queues and endpoints,
 * never of jobs, so that the number of series is bounded by what the operator set up.
 */
import { Counter, Gauge, Registry } from "prom-client";
import { processUsage } from "../core/index.js";
import { BROKER_READINGS, QUEUE_READINGS } from "./broker-readings.js";
import { EventLoopLagMeter } from "./event-loop-lag.js";
import type { BrokerFacts, PipelineFacts, QueueFacts } from "./facts.js";
import { JobMeter } from "./job-meter.js";
import type { JobObserver } from "./observer.js";
import { PIPELINE_READINGS } from "./pipeline-readings.js";
import { PROCESS_READINGS } from "./process-readings.js";
import type { Reading } from "./reading.js";

/** A reading with more names than this, which nothing of ours has, is cut. */
const SERIES_MAX = 1_000;

/** Where numbers are read; what is left out has no metrics. */
export interface MetricsSources {
  /** Undefined while there is none. */
  readonly pipeline?: (() => PipelineFacts | undefined) | undefined;
  readonly broker?: (() => BrokerFacts) | undefined;
  /** By name: those that the operator configured. */
  readonly queues?: (() => Readonly<Record<string, QueueFacts>>) | undefined;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #lag = new EventLoopLagMeter();
  readonly #readings: (() => void)[] = [];
  /** To be told of all that the pipeline does; undefined without one. */
  readonly observer: JobObserver<unknown> | undefined;

  /** Measures nothing until `start`. */
  constructor({ pipeline, broker, queues }: MetricsSources) {
    if (pipeline !== undefined) {
      const meter = new JobMeter(this.#registry);
      this.observer = meter;
      this.#readings.push(() => meter.refresh(Object.keys(pipeline()?.stages ?? {})));
      this.#read(PIPELINE_READINGS, pipeline);
    }
    if (broker !== undefined) this.#read(BROKER_READINGS, broker);
    if (queues !== undefined) this.#read(QUEUE_READINGS, queues);
    const startedAtSeconds = performance.timeOrigin / 1000;
    this.#read(PROCESS_READINGS, () => {
      return { usage: processUsage(), startedAtSeconds, lag: this.#lag.read() };
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Begins to measure the delay of the event loop. */
  start(): void {
    this.#lag.start();
  }

  stop(): void {
    this.#lag.stop();
  }

  text(): Promise<string> {
    for (const read of this.#readings) read();
    return this.#registry.metrics();
  }

  #read<Facts>(readings: readonly Reading<Facts>[], factsNow: () => Facts | undefined): void {
    const metrics = readings.map((reading) => ({ reading, set: this.#register(reading) }));
    this.#readings.push(() => {
      const facts = factsNow();
      for (const { reading, set } of metrics) {
        set(facts === undefined ? [] : seriesOf(reading, facts));
      }
    });
  }

  #register<Facts>({ name, help, by }: Reading<Facts>): (series: readonly Series[]) => void {
    const labelNames = by === undefined ? [] : [by];
    const described = { name, help, labelNames, registers: [this.#registry] };
    const isCounter = name.endsWith("_total");
    const metric = isCounter ? new Counter(described) : new Gauge(described);
    return (series) => {
      metric.reset();
      // Without labels a zero is left, which would be told although nothing is known.
      metric.remove({});
      for (const { labels, value } of series) metric.inc(labels, value);
    };
  }
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function seriesOf<Facts>(reading: Reading<Facts>, facts: Facts): Series[] {
  if (reading.by === undefined) {
    const value = reading.read(facts);
    return value === undefined ? [] : [{ labels: {}, value }];
  }
  const { by } = reading;
  return Object.entries(reading.read(facts))
    .slice(0, SERIES_MAX)
    .flatMap(([name, value]) => (value === undefined ? [] : [{ labels: { [by]: name }, value }]));
}
