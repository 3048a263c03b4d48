/**
 * Goal: the queues by size are asked as nv-ingest's scheduler asks them, and none of them starves.
 * Method: many sweeps with a known source of chance, compared with the weights.
 */
import { describe, expect, test } from "vitest";
import {
  createScheduler,
  routed,
  STRATEGIES,
  type Strategy,
  SUB_QUEUES,
  type SubQueue,
  subQueueName,
} from "./sub-queues.js";

/** A source of chance that repeats itself in every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** How often each queue wins when all of these always have jobs. */
function winsOf(strategy: Strategy, full: readonly SubQueue[], rounds: number) {
  const scheduler = createScheduler(strategy, lcg(7));
  const wins = new Map<SubQueue, number>();
  const sequence: SubQueue[] = [];
  for (let round = 0; round < rounds; round++) {
    const winner = scheduler.order().find((name) => full.includes(name));
    if (winner === undefined) break;
    scheduler.won(winner);
    wins.set(winner, (wins.get(winner) ?? 0) + 1);
    sequence.push(winner);
  }
  return { wins, sequence };
}

const SIZED = SUB_QUEUES.filter((name) => name !== "immediate");

test("names are those of nv-ingest's service", () => {
  expect(SUB_QUEUES.map((name) => subQueueName("q", name))).toEqual([
    "q_immediate",
    "q_micro",
    "q_small",
    "q_medium",
    "q_large",
    "q",
  ]);
});

test.each([
  ["micro", "q_micro"],
  ["LARGE", "q_large"],
  ["immediate", "q_immediate"],
  ["default", "q"],
  ["huge", "q"],
  ["__proto__", "q"],
  ["", "q"],
  [undefined, "q"],
  [7, "q"],
])("a hint %j goes to %s", (hint, queue) => {
  expect(routed("q", hint)).toBe(queue);
});

describe.each(STRATEGIES.filter((name) => name !== "simple"))("%s", (strategy) => {
  test("each sweep asks each queue once, and immediate first", () => {
    const scheduler = createScheduler(strategy, lcg(3));
    for (let round = 0; round < 100; round++) {
      const order = scheduler.order();
      expect(order[0]).toBe("immediate");
      expect(order.toSorted()).toEqual([...SUB_QUEUES].sort());
      scheduler.won(order[1 + (round % 5)] as SubQueue);
    }
  });

  test("immediate comes first as long as it has jobs, but lets others through now and then", () => {
    const { wins } = winsOf(strategy, SUB_QUEUES, 6_500);
    expect(wins.get("immediate")).toBe(6_400);
    expect([...wins.values()].reduce((sum, count) => sum + count, 0)).toBe(6_500);
  });

  test("no queue with jobs starves", () => {
    const { sequence } = winsOf(strategy, SIZED, 5_000);
    for (const name of SIZED) {
      let longest = 0;
      let since = 0;
      for (const winner of sequence) {
        since = winner === name ? 0 : since + 1;
        longest = Math.max(longest, since);
      }
      expect(longest).toBeLessThan(150);
    }
  });
});

test.each(["lottery", "weighted_round_robin"] as const)("%s keeps to the weights", (strategy) => {
  const { wins } = winsOf(strategy, SIZED, 9_000);
  for (const [name, weight] of [
    ["micro", 4],
    ["small", 2],
    ["medium", 1],
    ["large", 1],
    ["default", 1],
  ] as const) {
    const share = (wins.get(name) ?? 0) / 1_000;
    expect(share).toBeGreaterThan(weight * 0.9);
    expect(share).toBeLessThan(weight * 1.1);
  }
});

test("weighted round robin is smooth: nine jobs hold each queue as often as its weight says", () => {
  const { sequence } = winsOf("weighted_round_robin", SIZED, 9);
  expect(sequence).toEqual([
    "micro",
    "small",
    "micro",
    "large",
    "medium",
    "micro",
    "default",
    "small",
    "micro",
  ]);
});

test("round robin goes on behind the last winner", () => {
  const { sequence } = winsOf("round_robin", ["small", "large", "default"], 6);
  expect(sequence).toEqual(["small", "large", "default", "small", "large", "default"]);
});

test("simple knows the queue itself alone", () => {
  const scheduler = createScheduler("simple");
  expect(scheduler.subQueues).toEqual(["default"]);
  expect(scheduler.order()).toEqual(["default"]);
});
