// Goal: the line of status reads well, whatever is known.
// Method: facts of a calm, a busy and a half-known service.
import { expect, test } from "vitest";
import { type StatusFacts, statusText } from "./status.js";

const MIB = 1024 * 1024;
const facts: StatusFacts = { ended: 100, failed: 2, inFlight: 4, queued: 120, oldestAgeMs: 3_400 };

test.each<[StatusFacts, number, string]>([
  [facts, 12.34, "12 jobs/s · 4 in flight · 120 queued, oldest 3 s · 2 failed · 182 MiB"],
  [
    { ended: 0, failed: 0, inFlight: 0, queued: 0, oldestAgeMs: undefined },
    0,
    "0.0 jobs/s · 0 in flight · 0 queued · 0 failed · 182 MiB",
  ],
  [
    { ...facts, queued: undefined, oldestAgeMs: undefined },
    9.96,
    "10.0 jobs/s · 4 in flight · 2 failed · 182 MiB",
  ],
  [
    { ...facts, oldestAgeMs: 130_000 },
    1,
    "1.0 jobs/s · 4 in flight · 120 queued, oldest 2 min · 2 failed · 182 MiB",
  ],
  [
    { ...facts, oldestAgeMs: 100_000_000 },
    1,
    "1.0 jobs/s · 4 in flight · 120 queued, oldest 27 h · 2 failed · 182 MiB",
  ],
])("%j", (status, rate, text) => {
  expect(statusText(status, rate, 182.3 * MIB)).toBe(text);
});
