/**
 * How long things took, as a histogram per name. The package's own makes a text of the labels for
 * each value, which a pipeline with many quick stages would feel; this one only adds.
 */
import type { Histogram, Registry } from "prom-client";

/** In seconds: from a stage that does nothing to one that reads a large document. */
const BOUNDS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

interface Series {
  /** By bound; the last one counts what is above all of them. */
  readonly counts: number[];
  sum: number;
}

export interface DurationsConfig {
  readonly name: string;
  readonly help: string;
  /** The label that tells whose durations they are. */
  readonly by: string;
}

export class Durations {
  readonly type = "histogram";
  readonly name: string;
  readonly help: string;
  readonly #by: string;
  readonly #series = new Map<string, Series>();

  constructor({ name, help, by }: DurationsConfig, registry: Registry) {
    this.name = name;
    this.help = help;
    this.#by = by;
    // A registry asks its metrics for their name and for `get`, and for nothing else.
    registry.registerMetric(this as unknown as Histogram);
  }

  add(of: string, seconds: number): void {
    let series = this.#series.get(of);
    if (series === undefined) {
      series = { counts: new Array<number>(BOUNDS.length + 1).fill(0), sum: 0 };
      this.#series.set(of, series);
    }
    let index = 0;
    while (index < BOUNDS.length && seconds > (BOUNDS[index] as number)) index++;
    series.counts[index] = (series.counts[index] as number) + 1;
    series.sum += seconds;
  }

  async get() {
    const { name, help, type } = this;
    const values = [...this.#series].flatMap(([of, series]) => this.#valuesOf(of, series));
    return { name, help, type, aggregator: "sum", values };
  }

  #valuesOf(of: string, { counts, sum }: Series) {
    const labels = { [this.#by]: of };
    let count = 0;
    const buckets = counts.map((inBucket, index) => {
      count += inBucket;
      const le = BOUNDS[index] ?? "+Inf";
      return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
