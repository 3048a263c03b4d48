/**
 * Goal: fetched results are kept for their time and up to their bytes, oldest first to go, and each
 * is told once. Method: timers and clock of the test.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { queuedMessage } from "../../../test/helpers/queued-messages.js";
import { type Job, newJob } from "./job.js";
import { RetainedResults } from "./retained-results.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a result counts besides its body. */
const OWN_BYTES = 1_024;

function newRetained(config: { resultRetentionMs?: number; maxRetainedBytes?: number }) {
  const expired: string[] = [];
  const limits = { resultRetentionMs: 1_000, maxRetainedBytes: 1e9, ...config };
  const retained = new RetainedResults(limits, ({ id }) => expired.push(id));
  return { retained, expired };
}

function jobOf(id: string, bodyBytes = 0): Job {
  const job = newJob(id, "over");
  job.result = queuedMessage(1, { bodyBytes });
  return job;
}

test("a result goes when its time after the fetch is over", () => {
  const { retained, expired } = newRetained({});
  retained.add(jobOf("fetched before the restart"), 400);
  retained.add(jobOf("fetched now"), 0);
  vi.advanceTimersByTime(599);
  expect([expired, retained.count]).toEqual([[], 2]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(["fetched before the restart"]);
  vi.advanceTimersByTime(400);
  expect(expired).toEqual(["fetched before the restart", "fetched now"]);
  expect(retained.count).toBe(0);
});

test("a result that was fetched before its whole time goes at once", () => {
  const { retained, expired } = newRetained({});
  retained.add(jobOf("old"), 1_000_000);
  vi.advanceTimersByTime(0);
  expect(expired).toEqual(["old"]);
});

test("a result fetched again begins anew, and counts once", () => {
  const { retained, expired } = newRetained({ maxRetainedBytes: 2 * OWN_BYTES + 300 });
  const first = jobOf("first", 100);
  retained.add(first, 0);
  retained.add(jobOf("second", 100), 0);
  vi.advanceTimersByTime(600);
  retained.add(first, 0);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(400);
  expect(expired).toEqual(["second"]);
  vi.advanceTimersByTime(600);
  expect(expired).toEqual(["second", "first"]);
});

test("beyond the bytes the oldest go, as many as must", () => {
  const { retained, expired } = newRetained({ maxRetainedBytes: 3 * OWN_BYTES + 300 });
  for (const id of ["a", "b", "c"]) retained.add(jobOf(id, 100), 0);
  expect(expired).toEqual([]);
  retained.add(jobOf("d", 100), 0);
  expect(expired).toEqual(["a"]);
  retained.add(jobOf("large", 250), 0);
  expect(expired).toEqual(["a", "b", "c"]);
});

test("a result that alone is beyond the bytes is not kept, nor is any with a limit of none", () => {
  const { retained, expired } = newRetained({ maxRetainedBytes: 0 });
  retained.add(jobOf("a"), 0);
  expect([expired, retained.count]).toEqual([["a"], 0]);
  vi.advanceTimersByTime(1_000);
  expect(expired).toEqual(["a"]);
});

test("what is taken out gives its bytes back and is not told", () => {
  const { retained, expired } = newRetained({ maxRetainedBytes: OWN_BYTES + 100 });
  const job = jobOf("a", 100);
  retained.add(job, 0);
  retained.delete(job);
  retained.delete(job);
  retained.add(jobOf("b", 100), 0);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(expired).toEqual(["b"]);
});

test("the oldest goes on demand, as long as there is one", () => {
  const { retained, expired } = newRetained({});
  retained.add(jobOf("a"), 0);
  retained.add(jobOf("b"), 0);
  expect([1, 2, 3].map(() => retained.expireOldest())).toEqual([true, true, false]);
  expect(expired).toEqual(["a", "b"]);
});

test("after a close no timer is left and no bytes count", () => {
  const { retained, expired } = newRetained({ maxRetainedBytes: OWN_BYTES });
  retained.add(jobOf("a"), 0);
  retained.close();
  expect(vi.getTimerCount()).toBe(0);
  retained.add(jobOf("b"), 0);
  expect([expired, retained.count]).toEqual([[], 1]);
});
