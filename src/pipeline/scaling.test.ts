// Goal: places follow load and memory in their bounds. Method: ticks by hand over given loads.
import { expect, test } from "vitest";
import { Scaler } from "./scaling.js";

function start(load: { waitingCount: number; activeCount: number }, memory = { fraction: 0.1 }) {
  const node = { limit: 1, ...load };
  const settings = { memoryThreshold: 0.75, memoryFraction: () => memory.fraction };
  const scaler = new Scaler([{ node, min: 1, max: 4 }], settings);
  const ticks = (count: number) => {
    for (let tick = 0; tick < count; tick++) {
      node.activeCount = Math.min(load.activeCount, node.limit);
      scaler.tick();
    }
    return node.limit;
  };
  return { node, ticks, load };
}

test("a stage grows while messages wait, up to its most", () => {
  const { ticks } = start({ waitingCount: 10, activeCount: 10 });
  expect([ticks(1), ticks(1), ticks(1), ticks(1)]).toEqual([2, 3, 4, 4]);
});

test("a stage that is busy but keeps nobody waiting stays as it is", () => {
  const { ticks } = start({ waitingCount: 0, activeCount: 10 });
  expect(ticks(100)).toBe(1);
});

test("a stage that does not need its places gives them up, one after the other", () => {
  const { ticks, node, load } = start({ waitingCount: 10, activeCount: 10 });
  expect(ticks(3)).toBe(4);
  node.waitingCount = 0;
  load.activeCount = 0;
  expect(ticks(20)).toBe(3);
  expect(ticks(200)).toBe(1);
});

test("short memory shrinks a stage although messages wait, and never below its least", () => {
  const memory = { fraction: 0.1 };
  const { ticks } = start({ waitingCount: 10, activeCount: 10 }, memory);
  expect(ticks(3)).toBe(4);
  memory.fraction = 0.9;
  expect([ticks(1), ticks(1), ticks(1), ticks(1)]).toEqual([3, 2, 1, 1]);
  memory.fraction = 0.1;
  expect(ticks(1)).toBe(2);
});
