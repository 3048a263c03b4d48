// Goal: every fault of a caller's options is told at once, in words that lead to the mend.
// Method: parse faulty options with a small schema and read the error's text.
import { expect, test } from "vitest";
import { z } from "zod";
import { hasCode } from "./errors.js";
import { nearestKey, OptionErrors, parseOptions } from "./options.js";

const Schema = z.strictObject({
  port: z.number().int().min(0).max(65_535).default(7671),
  host: z.string().default("127.0.0.1"),
  brokerParams: z.strictObject({ maxQueueSize: z.number().default(10) }).prefault({}),
});

function faultOf(options: unknown): string {
  try {
    parseOptions(Schema, options, "Broker");
  } catch (error) {
    expect(hasCode(error, OptionErrors.INVALID.code)).toBe(true);
    return (error as Error).message;
  }
  throw new Error("the options were taken");
}

test("missing options get their defaults, nested ones too", () => {
  expect(parseOptions(Schema, undefined, "Broker")).toEqual({
    port: 7671,
    host: "127.0.0.1",
    brokerParams: { maxQueueSize: 10 },
  });
});

test("an unknown option is refused and the nearest known one is named", () => {
  expect(faultOf({ prot: 1 })).toBe('Broker: unknown option "prot", did you mean "port"?');
});

test("the hint works inside nested options and across spellings", () => {
  expect(faultOf({ brokerParams: { max_queue_size: 5 } })).toBe(
    'Broker: unknown option "brokerParams.max_queue_size", did you mean "maxQueueSize"?',
  );
});

test("an option that resembles none is refused without a guess", () => {
  expect(faultOf({ colour: 1 })).toBe('Broker: unknown option "colour"');
});

test("all faults are told at once, each with the value that was given", () => {
  const text = faultOf({ port: 70_000, host: 5, verbose: true });
  expect(text).toContain('"port"');
  expect(text).toContain("(got 70000)");
  expect(text).toContain('"host"');
  expect(text).toContain('unknown option "verbose"');
});

test("a very long value is cut in the text", () => {
  const text = faultOf({ port: "9".repeat(10_000) });
  expect(text.length).toBeLessThan(400);
});

test("nearestKey prefers the smaller distance and gives up on strangers", () => {
  expect(nearestKey("queue", ["taskQueue", "queues"])).toBe("queues");
  expect(nearestKey("xyz", ["taskQueue"])).toBeUndefined();
  expect(nearestKey("x".repeat(65), [`${"x".repeat(65)}y`])).toBeUndefined();
});
