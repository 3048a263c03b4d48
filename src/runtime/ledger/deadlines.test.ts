/**
 * Goal: each thing is told once when its time is over, unless it was taken out before.
 * Method: timers and clock of the test.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadlines } from "./deadlines.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function newDeadlines() {
  const due: string[] = [];
  return { due, deadlines: new Deadlines<string>((thing) => due.push(thing)) };
}

test("things are due in their order, each after its time, by one timer", () => {
  const { due, deadlines } = newDeadlines();
  deadlines.add("a", 100);
  vi.advanceTimersByTime(40);
  deadlines.add("b", 100);
  expect(vi.getTimerCount()).toBe(1);
  expect(deadlines).toMatchObject({ size: 2, first: "a" });
  vi.advanceTimersByTime(59);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(["a"]);
  vi.advanceTimersByTime(40);
  expect(due).toEqual(["a", "b"]);
  expect(deadlines).toMatchObject({ size: 0, first: undefined });
  expect(vi.getTimerCount()).toBe(0);
});

test("what was taken out is not told, and does not hold up what comes after it", () => {
  const { due, deadlines } = newDeadlines();
  deadlines.add("a", 100);
  deadlines.add("b", 150);
  expect(deadlines.delete("a")).toBe(true);
  expect(deadlines.delete("a")).toBe(false);
  vi.advanceTimersByTime(149);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(["b"]);
});

test("a thing added again begins anew, behind the others", () => {
  const { due, deadlines } = newDeadlines();
  deadlines.add("a", 100);
  deadlines.add("b", 100);
  vi.advanceTimersByTime(50);
  deadlines.add("a", 100);
  expect(deadlines.size).toBe(2);
  vi.advanceTimersByTime(50);
  expect(due).toEqual(["b"]);
  vi.advanceTimersByTime(50);
  expect(due).toEqual(["b", "a"]);
});

test("a thing that is added while another is told is told in its turn", () => {
  const due: string[] = [];
  const deadlines: Deadlines<string> = new Deadlines((thing) => {
    due.push(thing);
    if (due.length < 4) deadlines.add(thing, 10);
  });
  deadlines.add("again", 10);
  vi.advanceTimersByTime(39);
  expect(due).toHaveLength(3);
  vi.advanceTimersByTime(1_000);
  expect(due).toHaveLength(4);
});

test("a time beyond the longest timer is waited for in full", () => {
  const { due, deadlines } = newDeadlines();
  const longestMs = 2_147_483_647;
  deadlines.add("a", longestMs + 1_000);
  vi.advanceTimersByTime(longestMs + 999);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(["a"]);
});

test("after a close nothing is told, and it can be used again", () => {
  const { due, deadlines } = newDeadlines();
  deadlines.add("a", 100);
  deadlines.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(200);
  expect(deadlines.size).toBe(0);
  deadlines.add("b", 100);
  vi.advanceTimersByTime(100);
  expect(due).toEqual(["b"]);
});
