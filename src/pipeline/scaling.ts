/**
 * Lets the concurrency of stages follow the load: more while messages wait and memory allows, fewer
 * when there is nothing to do. When memory is short, all of them shrink before any grows.
 */
import type { GraphNode } from "./graph-node.js";

const TICK_MS = 250;
/** A stage is idle after so many ticks in a row in which it did not need all its places. */
const IDLE_TICKS = 20;
/** What is left of the places of each stage at a tick with too little memory. */
const SHRINK = 0.75;

export interface ElasticNode {
  readonly node: Pick<GraphNode, "limit" | "waitingCount" | "activeCount">;
  readonly min: number;
  readonly max: number;
}

export interface ScalerSettings {
  /** The part of the machine's memory above which stages shrink, from 0 to 1. */
  readonly memoryThreshold: number;
  readonly memoryFraction: () => number;
}

export class Scaler {
  readonly #nodes: readonly (ElasticNode & { idleTicks: number })[];
  readonly #settings: ScalerSettings;
  #timer: NodeJS.Timeout | undefined;

  constructor(nodes: readonly ElasticNode[], settings: ScalerSettings) {
    this.#nodes = nodes.map((each) => ({ ...each, idleTicks: 0 }));
    this.#settings = settings;
  }

  start(): void {
    if (this.#nodes.length > 0) this.#timer ??= setInterval(() => this.tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks at all stages once. */
  tick(): void {
    const { memoryThreshold, memoryFraction } = this.#settings;
    const isShort = memoryFraction() > memoryThreshold;
    for (const each of this.#nodes) {
      const { node, min, max } = each;
      const isBusy = node.activeCount >= node.limit;
      each.idleTicks = isBusy ? 0 : each.idleTicks + 1;
      if (isShort) node.limit = Math.max(min, Math.floor(node.limit * SHRINK));
      else if (isBusy && node.waitingCount > 0) node.limit = Math.min(max, node.limit + 1);
      else if (each.idleTicks >= IDLE_TICKS && node.limit > min) {
        node.limit--;
        each.idleTicks = 0;
      }
    }
  }
}
