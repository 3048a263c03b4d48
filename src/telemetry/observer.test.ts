// Goal: several observers hear the same, whatever one of them does; none costs nothing.
// Method: observers that write down what they hear, one of which throws.
import { expect, test } from "vitest";
import { combineObservers, type JobObserver } from "./observer.js";

const origin = {};
const stageEvent = {
  ...{
    origin,
    stage: "grind",
    outcome: "processed" as const,
    startedAt: 0n,
    durationMs: 1,
    attempt: 1,
  },
} as const;
const jobEvent = { origin, outcome: "processed", durationMs: 2 } as const;

function listener(heard: unknown[]): JobObserver<object> {
  return {
    jobFetched: (job) => heard.push(job),
    stageEnded: (event) => heard.push(event),
    jobEnded: (event) => heard.push(event),
  };
}

test("without observers there is none, and one alone is itself", () => {
  expect(combineObservers(undefined, undefined)).toBeUndefined();
  const only = listener([]);
  expect(combineObservers(undefined, only)).toBe(only);
});

test("all hear everything, those that miss a method and those beside one that throws, too", () => {
  const [first, second]: [unknown[], unknown[]] = [[], []];
  const broken: JobObserver<object> = {
    stageEnded() {
      throw new Error("deaf");
    },
  };
  const all = combineObservers(listener(first), broken, listener(second));
  all?.jobFetched?.(origin);
  expect(() => all?.stageEnded?.(stageEvent)).toThrow("deaf");
  all?.jobEnded?.(jobEvent);
  expect(first).toEqual([origin, stageEvent, jobEvent]);
  expect(second).toEqual(first);
});
