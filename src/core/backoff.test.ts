// Goal: pauses stay within their bounds however often something fails.
// Method: many draws per attempt, up to absurd numbers of attempts.
import { expect, test } from "vitest";
import { backoffMs } from "./backoff.js";
import { clampTimerMs } from "./limits.js";

test.each([0, 1, 5, 30, 1_000, 1e9])("a pause before attempt %d is within its bound", (attempt) => {
  for (let draw = 0; draw < 100; draw++) {
    const pauseMs = backoffMs(attempt, 50, 5_000);
    expect(pauseMs).toBeGreaterThanOrEqual(0);
    expect(pauseMs).toBeLessThanOrEqual(Math.min(5_000, 50 * 2 ** Math.min(attempt, 30)));
  }
});

test("timers get delays that Node takes as they are meant", () => {
  expect(clampTimerMs(Number.POSITIVE_INFINITY)).toBe(2_147_483_647);
  expect(clampTimerMs(-5)).toBe(0);
  expect(clampTimerMs(1.2)).toBe(2);
});
