/** The queues by size that nv-ingest's service routes to, and in which order they are asked. */

/** Suffixes of a task queue's sub-queues, by their names in `routing_options.queue_hint`. */
export const SUB_QUEUES = ["immediate", "micro", "small", "medium", "large", "default"] as const;
export type SubQueue = (typeof SUB_QUEUES)[number];

export const STRATEGIES = ["lottery", "round_robin", "weighted_round_robin", "simple"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** The order of one sweep behind `immediate`, and how often each queue is chosen. */
const WEIGHTS: readonly (readonly [SubQueue, number])[] = [
  ["micro", 4],
  ["small", 2],
  ["large", 1],
  ["medium", 1],
  ["default", 1],
];
const ROUND: readonly SubQueue[] = ["micro", "small", "medium", "large", "default"];
const WEIGHT_SUM = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
/** After so many jobs of `immediate` in a row one sweep asks it last: others must not starve. */
const IMMEDIATE_ROW_MAX = 64;

/** The list in Redis. */
export function subQueueName(taskQueue: string, subQueue: SubQueue): string {
  return subQueue === "default" ? taskQueue : `${taskQueue}_${subQueue}`;
}

/** Where a job with this hint goes; anything that names no sub-queue goes to the task queue itself. */
export function routed(taskQueue: string, hint: unknown): string {
  const lower = typeof hint === "string" ? hint.toLowerCase() : "";
  const found = SUB_QUEUES.find((name) => name === lower);
  return found === undefined ? taskQueue : subQueueName(taskQueue, found);
}

/** Decides in which order the queues are asked for the next job. */
export interface Scheduler {
  readonly subQueues: readonly SubQueue[];
  /** Whether several sweeps may be planned before it is known what the first of them won. */
  readonly isBatchable: boolean;
  /** The order of the next sweep: each of `subQueues` once. */
  order(): readonly SubQueue[];
  /** A job came out of this one. */
  won(subQueue: SubQueue): void;
}

/** @param random a number from 0 to below 1. */
export function createScheduler(strategy: Strategy, random: () => number = Math.random): Scheduler {
  if (strategy === "simple") {
    return { subQueues: ["default"], isBatchable: true, order: () => ["default"], won: () => {} };
  }
  const rest = RESTS[strategy](random);
  let immediateRow = 0;
  return {
    subQueues: SUB_QUEUES,
    isBatchable: strategy === "lottery",
    order: () =>
      immediateRow < IMMEDIATE_ROW_MAX
        ? ["immediate", ...rest.order()]
        : [...rest.order(), "immediate"],
    won(subQueue) {
      immediateRow = subQueue === "immediate" ? immediateRow + 1 : 0;
      if (subQueue !== "immediate") rest.won(subQueue);
    },
  };
}

type Rest = Pick<Scheduler, "order" | "won">;

const RESTS: Readonly<Record<Exclude<Strategy, "simple">, (random: () => number) => Rest>> = {
  /** Drawn by weight, without putting back. */
  lottery: (random) => ({
    order() {
      const left = [...WEIGHTS];
      const drawn: SubQueue[] = [];
      while (left.length > 0) {
        let ticket = random() * left.reduce((sum, [, weight]) => sum + weight, 0);
        let index = left.findIndex(([, weight]) => {
          ticket -= weight;
          return ticket < 0;
        });
        if (index < 0) index = left.length - 1;
        const [[name]] = left.splice(index, 1) as [(typeof WEIGHTS)[number]];
        drawn.push(name);
      }
      return drawn;
    },
    won() {},
  }),
  /** One after the other, from behind the last winner. */
  round_robin() {
    let next = 0;
    return {
      order: () => [...ROUND.slice(next), ...ROUND.slice(0, next)],
      won(subQueue) {
        next = (ROUND.indexOf(subQueue) + 1) % ROUND.length;
      },
    };
  },
  /** Smooth weighted round robin: who waited longest by its weight comes first. */
  weighted_round_robin() {
    const sums = new Map<SubQueue, number>(WEIGHTS.map(([name]) => [name, 0]));
    const raised = () => WEIGHTS.map(([name, weight]) => [name, (sums.get(name) ?? 0) + weight]);
    return {
      // Sorting keeps the order of equal ones.
      order: () =>
        (raised() as [SubQueue, number][]).sort(([, a], [, b]) => b - a).map(([name]) => name),
      won(subQueue) {
        for (const [name, sum] of raised() as [SubQueue, number][]) {
          sums.set(name, name === subQueue ? sum - WEIGHT_SUM : sum);
        }
      },
    };
  },
};
