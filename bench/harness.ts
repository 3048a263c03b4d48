/**
 * What all measurements share: figures by name with one value per round, and the bounds of a run.
 * Knows no broker and no process.
 */
import type { Processes } from "./remote.js";

/** One measured thing. */
export interface Figure {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  /** One value per round. */
  readonly values: number[];
}

/** All figures of a run, in the order in which they were first measured. */
export class Figures {
  readonly #figures = new Map<string, Figure>();
  readonly notes: string[] = [];

  add(group: string, name: string, measured: { unit: string; value: number }): void {
    const key = `${group}: ${name}`;
    const known = this.#figures.get(key);
    const figure = known ?? { group, name, unit: measured.unit, values: [] };
    figure.values.push(measured.value);
    this.#figures.set(key, figure);
  }

  /** Adds the ratio of two figures, round by round. */
  addRatio(group: string, name: string, of: { over: string; under: string }): void {
    const over = this.values(group, of.over);
    const under = this.values(group, of.under);
    for (let round = 0; round < Math.min(over.length, under.length); round++) {
      const value = (over[round] as number) / (under[round] as number);
      if (Number.isFinite(value)) this.add(group, name, { unit: "×", value });
    }
  }

  values(group: string, name: string): readonly number[] {
    return this.#figures.get(`${group}: ${name}`)?.values ?? [];
  }

  /** Undefined when it was not measured. */
  median(group: string, name: string): number | undefined {
    const values = this.values(group, name);
    return values.length === 0 ? undefined : medianOf(values);
  }

  all(): readonly Figure[] {
    return [...this.#figures.values()];
  }
}

/** What a measurement gets. */
export interface Bench {
  readonly isQuick: boolean;
  /** How often the compared things are measured in turn. */
  readonly rounds: number;
  /** A Python that can import nv-ingest-api. */
  readonly python: string | undefined;
  readonly figures: Figures;
  readonly processes: Processes;
  /** How long one load may run, in milliseconds: all of it, or less in a quick run. */
  lengthMs(fullMs: number): number;
  /** Progress, to stderr. */
  say(text: string): void;
}

export interface Measurement {
  readonly name: string;
  readonly about: string;
  /** The measurement is given up after this time, in milliseconds. */
  readonly limitMs: number;
  run(bench: Bench): Promise<void>;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The value that `share` of the sorted values do not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
