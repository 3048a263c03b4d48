/** Where in a chain of stages the function of a `udf` task runs. */
import { phasesOf } from "./stage-phases.js";
import type { UdfPlace } from "./udf-task.js";

/** A moment on a message's way: just before a stage, or just after it. */
export interface Point {
  readonly stage: string;
  readonly when: "before" | "after";
}

export class UdfPlaces {
  readonly #stages: readonly string[];
  readonly #phases: readonly number[];
  readonly #end: Point;

  /** @param end of the chain, for phases that come after all of its stages */
  constructor(
    stages: readonly string[],
    { phases, end }: { readonly phases: Readonly<Record<string, number>>; readonly end: Point },
  ) {
    this.#stages = stages;
    this.#phases = phasesOf(stages, phases);
    this.#end = end;
  }

  /** In the order in which a message comes to them. None when the chain has no such place. */
  pointsOf(place: UdfPlace): readonly Point[] {
    if (place.kind === "nowhere") return [];
    if (place.kind === "phase") {
      // A phase without a stage begins where the next one does.
      const first = this.#phases.findIndex((phase) => phase >= place.phase);
      return first === -1
        ? [this.#end]
        : [{ stage: this.#stages[first] as string, when: "before" }];
    }
    const { stage, before, after } = place;
    if (!this.#stages.includes(stage)) return [];
    const points: Point[] = [];
    if (before) points.push({ stage, when: "before" });
    if (after) points.push({ stage, when: "after" });
    return points;
  }
}
