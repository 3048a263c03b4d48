// Goal: what is worth another try is told from what is not, whoever threw it. Method: errors as Node,
// undici, HTTP clients and we throw them.
import { expect, test } from "vitest";
import { CircuitErrors } from "./circuit-breaker.js";
import { isTransient, retryAfterMs } from "./transient.js";

const having = (members: object, message = "x") => Object.assign(new Error(message), members);

test.each([
  ["a lost connection", having({ code: "ECONNRESET" }), true],
  ["a name that cannot be resolved now", having({ code: "EAI_AGAIN" }), true],
  [
    "fetch's error, by its cause",
    new TypeError("fetch failed", { cause: having({ code: "ECONNREFUSED" }) }),
    true,
  ],
  ["too many requests", having({ status: 429 }), true],
  ["a server in trouble", having({ statusCode: 503 }), true],
  ["a request that is wrong", having({ status: 400 }), false],
  ["an unknown host", having({ code: "ENOTFOUND" }), false],
  ["AbortSignal.timeout", new DOMException("late", "TimeoutError"), true],
  ["an abort", new DOMException("stop", "AbortError"), false],
  ["one of ours that says so", CircuitErrors.OPEN({ endpoint: "e", retryAfterMs: 1 }), true],
  ["a plain error", new Error("ECONNRESET"), false],
  ["no error at all", { status: 503 }, false],
  ["nothing", undefined, false],
] as const)("%s", (_, error, expected) => {
  expect(isTransient(error)).toBe(expected);
});

test("causes that lead in a circle are looked at a few times only", () => {
  const error = new Error("a");
  error.cause = new Error("b", { cause: error });
  expect(isTransient(error)).toBe(false);
});

test("the wait that is asked for is read wherever it stands", () => {
  const nowMs = Date.parse("2030-01-01T00:00:00Z");
  const read = (error: unknown) => retryAfterMs(error, nowMs);
  expect(read(having({ retryAfterMs: 250 }))).toBe(250);
  expect(read(CircuitErrors.OPEN({ endpoint: "e", retryAfterMs: 40 }))).toBe(40);
  expect(read(having({ headers: { "retry-after": "3" } }))).toBe(3_000);
  expect(read(having({ response: { headers: new Headers({ "Retry-After": "2" }) } }))).toBe(2_000);
  expect(read(having({ headers: { "Retry-After": "Tue, 01 Jan 2030 00:01:00 GMT" } }))).toBe(
    60_000,
  );
  expect(read(having({ headers: { "retry-after": "Mon, 31 Dec 2029 00:00:00 GMT" } }))).toBe(0);
  expect(read(having({ headers: { "retry-after": "soon" } }))).toBeUndefined();
  expect(read(having({ retryAfterMs: -1 }))).toBeUndefined();
  expect(read("text")).toBeUndefined();
});
