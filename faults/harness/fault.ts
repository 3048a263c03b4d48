/** What a fault of the suite is, and what it gets to work with. */
import type { Random } from "./random.js";

export interface Fault {
  /** As in the list of faults: `F1`. */
  readonly name: string;
  /** What happens, in a few words. */
  readonly title: string;
  /** How long it may take at scale 1, in milliseconds, and at any scale a minute besides. */
  readonly limitMs: number;
  /** Does it, and tells its figure with unit. What is wrong goes to `trial.problem`. */
  run(trial: Trial): Promise<string>;
}

export interface Trial {
  /** 1: the full size. */
  readonly scale: number;
  readonly seed: number;
  readonly random: Random;
  /** Interpreter with nv-ingest's client; undefined when there is none. */
  readonly python: string | undefined;
  /** Fires when its time is over. */
  readonly signal: AbortSignal;
  /** `full` times the scale, but not less than `least`. */
  count(full: number, least: number): number;
  /** A folder of its own, removed at the end. */
  folder(): string;
  /** Called at the end, last one first. */
  defer(cleanUp: () => unknown): void;
  /** Something is not as promised: the fault fails, and goes on. */
  problem(text: string): void;
  /** As `problem`, when the condition does not hold. */
  check(condition: boolean, text: string): void;
  /** Something for who watches. */
  note(text: string): void;
}

/** Something that the fault needs is missing here, so it was not tried. */
export class Skip extends Error {}
