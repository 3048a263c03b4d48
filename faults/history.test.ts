// Goal: the checker of histories finds what a broker must never do, and nothing else.
// Method: small histories by hand, each with one fault or none.
import { expect, test } from "vitest";
import { checkHistory, type Event, type Promises, type Violation } from "./history.js";

const QUEUE = "q";
const ALL: Promises = { isDrained: true, orderedQueues: [QUEUE], hasResults: true };

const asked = (body: string): Event => ({ kind: "asked", queue: QUEUE, body });
const acknowledged = (body: string, jobId?: string): Event => ({
  kind: "acknowledged",
  queue: QUEUE,
  body,
  ...(jobId !== undefined && { jobId }),
});
const delivered = (body: string): Event => ({ kind: "delivered", queue: QUEUE, body });
const settling = (body: string): Event => ({ kind: "settling", queue: QUEUE, body });
const settled = (body: string): Event => ({ kind: "settled", queue: QUEUE, body });
const pushed = (body: string): Event[] => [asked(body), acknowledged(body)];
const popped = (body: string): Event[] => [delivered(body), settling(body), settled(body)];
const job = (body: string): Event[] => [asked(body), acknowledged(body, `id of ${body}`)];
const result = (body: string, text = "done"): Event => ({
  kind: "result",
  jobId: `id of ${body}`,
  text,
});

function kindsIn(events: readonly Event[], promises = ALL): Violation["kind"][] {
  return checkHistory(events, promises).map(({ kind }) => kind);
}

const GOOD: readonly (readonly [string, readonly Event[]])[] = [
  [
    "messages come in their order",
    [...pushed("a"), ...pushed("b"), ...popped("a"), ...popped("b")],
  ],
  ["an unacknowledged push is nowhere", [asked("a")]],
  ["an unacknowledged push is delivered all the same", [asked("a"), ...popped("a")]],
  [
    "a message comes again that was not acknowledged",
    [...pushed("a"), delivered("a"), ...popped("a")],
  ],
  [
    "a message comes again whose acknowledgement was not answered",
    [...pushed("a"), delivered("a"), settling("a"), ...popped("a")],
  ],
  [
    "pushes side by side come in either order",
    [asked("a"), asked("b"), acknowledged("a"), acknowledged("b"), ...popped("b"), ...popped("a")],
  ],
  ["a result is fetched twice and is the same", [...job("a"), result("a"), result("a")]],
];

test.each(GOOD)("nothing is wrong when %s", (_, events) => {
  expect(kindsIn(events)).toEqual([]);
});

const BAD: readonly (readonly [string, Violation["kind"], readonly Event[]])[] = [
  ["an acknowledged message never comes", "lost", pushed("a")],
  ["a message comes that nobody pushed", "phantom", popped("a").slice(0, 1)],
  ["a result comes for a job that nobody pushed", "phantom", [result("a")]],
  [
    "a message comes again after it was settled",
    "duplicate",
    [...pushed("a"), ...popped("a"), delivered("a")],
  ],
  [
    "a push that was repeated became two jobs",
    "duplicate",
    [
      ...job("a"),
      acknowledged("a", "another"),
      result("a"),
      { kind: "result", jobId: "another", text: "x" },
    ],
  ],
  [
    "two pushes became one job",
    "duplicate",
    [...job("a"), asked("b"), acknowledged("b", "id of a"), result("a")],
  ],
  [
    "a later push overtakes",
    "order",
    [...pushed("a"), ...pushed("b"), ...popped("b"), ...popped("a")],
  ],
  [
    "a message that was given back loses its place",
    "order",
    [...pushed("a"), ...pushed("b"), delivered("a"), ...popped("b")],
  ],
  ["an accepted job has no result", "noResult", job("a")],
  ["a job has two results", "twoResults", [...job("a"), result("a"), result("a", "failed")]],
];

test.each(BAD)("it is found when %s", (_, kind, events) => {
  expect(kindsIn(events)).toContain(kind);
});

test("what is still queued is not lost while nothing was drained", () => {
  expect(kindsIn(pushed("a"), { ...ALL, isDrained: false })).toEqual([]);
});

test("several consumers of a queue may see its messages in any order", () => {
  const events = [...pushed("a"), ...pushed("b"), delivered("b"), delivered("a"), settling("a")];
  expect(kindsIn(events, { ...ALL, orderedQueues: [] })).toEqual([]);
});
