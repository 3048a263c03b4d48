/**
 * Goal: whoever asks for a result that is kept no more is told when it went: exactly for the last
 * ten thousand, and a bound for those before. Method: calls with times of the test.
 */
import { expect, test } from "vitest";
import { ExpiredResults } from "./expired-results.js";

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

test("the time of a result that went is told to the millisecond", () => {
  const expired = new ExpiredResults(AT_MS - 1_000);
  expired.add("job", AT_MS);
  expect(expired.describe("job")).toBe("Result expired at 2026-01-02T03:04:05.678Z");
});

test("of a result from before the broker's start, that start is the bound", () => {
  const expired = new ExpiredResults(AT_MS);
  expired.add("other", AT_MS + 5_000);
  expect(expired.describe("job")).toBe(
    "Result expired before 2026-01-02T03:04:05.678Z, or its job was never stored",
  );
});

test("beyond ten thousand the oldest is forgotten, and what is told of it stays true", () => {
  const expired = new ExpiredResults(0);
  for (let i = 0; i <= 10_000; i++) expired.add(`job ${i}`, AT_MS + i);
  expect(expired.describe("job 0")).toMatch(/^Result expired before 2026-01-02T03:04:05\.678Z, /);
  expect(expired.describe("job 1")).toBe("Result expired at 2026-01-02T03:04:05.679Z");
  expired.add("one more", AT_MS);
  expect(expired.describe("job 1")).toMatch(/^Result expired before 2026-01-02T03:04:05\.679Z, /);
});

test("a bound never goes back when the wall clock does", () => {
  const expired = new ExpiredResults(AT_MS);
  expired.add("job", AT_MS - 60_000);
  for (let i = 0; i < 10_000; i++) expired.add(`other ${i}`, AT_MS);
  expect(expired.describe("job")).toMatch(/^Result expired before 2026-01-02T03:04:05\.678Z, /);
});
