// Goal: each form in which clients write the id of a trace is read, and nothing else.
// Method: the same id in all forms, and texts that are nearly one.
import { expect, test } from "vitest";
import { readTraceId, TraceIds } from "./trace-id.js";

const HEX = "4bf92f3577b34da6a3ce929d0e0e4736";

test.each([
  ["32 hex digits", HEX],
  ["upper case", HEX.toUpperCase()],
  ["a UUID", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"],
  ["a decimal number", BigInt(`0x${HEX}`).toString()],
])("%s is an id", (_, text) => {
  expect(readTraceId(text)).toBe(HEX);
});

test("small numbers are filled up, the largest is taken", () => {
  expect(readTraceId("1")).toBe("0".repeat(31).concat("1"));
  expect(readTraceId((2n ** 128n - 1n).toString())).toBe("f".repeat(32));
});

test.each([
  "",
  "0",
  "0".repeat(32),
  "00000000-0000-0000-0000-000000000000",
  (2n ** 128n).toString(),
  "9".repeat(40),
  HEX.slice(1),
  `${HEX}0`,
  `${HEX}\n`,
  "4bf92f3577b34da6-a3ce929d0e0e4736",
  "-5",
  "1.5",
  "١٢٣",
])("%j is none", (text) => {
  expect(readTraceId(text)).toBeUndefined();
});

test("only what begins inside begins in the trace, also when beginning fails", () => {
  const ids = new TraceIds();
  expect(ids.within(HEX, () => ids.generateTraceId())).toBe(HEX);
  const fail = () => {
    throw new Error("no span");
  };
  expect(() => ids.within(HEX, fail)).toThrow("no span");
  const own = [ids.generateTraceId(), ids.within(undefined, () => ids.generateTraceId())];
  expect(own).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.not.stringMatching(HEX)]);
  expect(own[0]).not.toBe(HEX);
  expect(ids.generateSpanId()).toMatch(/^[0-9a-f]{16}$/);
});
