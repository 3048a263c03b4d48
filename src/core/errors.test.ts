// Goal: errors keep their code across copies, threads and wrapping.
// Method: declare a table, throw from it, and look at every face of the error.
import { expect, test } from "vitest";
import { defineErrors, hasCode, isRetryable, MillraceError, messageOf, quote } from "./errors.js";
import { isTransient, retryAfterMs } from "./transient.js";

const TestErrors = defineErrors("TEST", {
  TOO_LARGE: {
    kind: "limit",
    retry: true,
    about: "For this test.",
    say: ({ bytes }: { bytes: number }) => `${bytes} bytes`,
  },
});

test("a row becomes a code with its room in front, and a sentence with its details", () => {
  const cause = new Error("why");
  const error = TestErrors.TOO_LARGE({ bytes: 9 }, cause);
  expect(error).toBeInstanceOf(MillraceError);
  expect(error).toMatchObject({ code: "TEST_TOO_LARGE", kind: "limit", message: "9 bytes", cause });
  expect(TestErrors.TOO_LARGE.code).toBe("TEST_TOO_LARGE");
});

test("an error goes over threads as plain data and comes back the same", () => {
  const plain = structuredClone(TestErrors.TOO_LARGE({ bytes: 9 }).toJSON());
  const revived = new MillraceError(plain);
  expect(revived.toJSON()).toEqual(plain);
  expect(isRetryable(revived)).toBe(true);
});

test("codes are matched without instanceof, so another copy of the package will do", () => {
  const foreign = Object.assign(new Error("x"), { code: "TEST_TOO_LARGE", retry: true });
  expect(hasCode(foreign, "TEST_TOO_LARGE")).toBe(true);
  expect(isRetryable(foreign)).toBe(true);
});

test.each([undefined, null, "text", 5, {}, { code: "TEST_TOO_LARGE", retry: true }])(
  "what is no error, such as %j, has no code and is not worth another try",
  (value) => {
    expect(hasCode(value, "TEST_TOO_LARGE")).toBe(false);
    expect(isRetryable(value)).toBe(false);
  },
);

test("anything that was thrown has a text", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  expect(messageOf(new TypeError(""))).toBe("TypeError");
  expect(messageOf("plain")).toBe("plain");
  expect(messageOf(undefined)).toBe("undefined");
  expect(messageOf(cycle)).toBe("[object Object]");
  expect(messageOf(10n)).toBe("[object BigInt]");
});

test("quoted values are cut at 200 characters", () => {
  expect(quote("x".repeat(500))).toHaveLength(201);
});

const trap = () => {
  throw new Error("do not look");
};
const revoked = Proxy.revocable(new Error("gone"), {});
revoked.revoke();

test.each([
  ["a proxy that throws", new Proxy({}, { get: trap }), "[object]"],
  ["a revoked proxy", revoked.proxy, "[object]"],
  ["an error that hides", new Proxy(new Error("x"), { get: trap }), "[object]"],
  [
    "an error without a text to read",
    Object.defineProperty(new Error(), "message", { get: trap }),
    "{}",
  ],
  ["a text that is none", { toJSON: trap, toString: trap }, "[object Object]"],
])("%s can be told and judged without being thrown again", (_, thrown, text) => {
  expect(messageOf(thrown)).toBe(text);
  expect(quote(thrown)).toBe(text);
  expect(hasCode(thrown, "TEST_TOO_LARGE")).toBe(false);
  expect(isRetryable(thrown)).toBe(false);
  expect(isTransient(thrown)).toBe(false);
  expect(retryAfterMs(thrown)).toBeUndefined();
});
