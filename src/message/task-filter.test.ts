/**
 * Goal: criteria decide as nv-ingest's task filter does.
 * Method: own cases for every rule, and the recorded ones where they are at hand.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { IngestControlMessage } from "./control-message.js";
import { matchesCriteria, taskFilter } from "./task-filter.js";

const CASES: [Record<string, unknown>, Record<string, unknown>, boolean][] = [
  [{ a: 1 }, {}, true],
  [{ a: 1, b: 2 }, { a: 1 }, true],
  [{ a: 1 }, { a: "1" }, false],
  [{ a: null }, { a: "*" }, true],
  [{}, { a: "*" }, false],
  [{}, { constructor: "*" }, false],
  [{ a: { b: { c: 1 } } }, { a: { b: { c: "*" } } }, true],
  [{ a: "text" }, { a: { b: 1 } }, false],
  [{ a: "mp3" }, { a: "regex:^(mp3|wav)$" }, true],
  [{ a: "xmp3" }, { a: "regex:mp3" }, false],
  [{ a: 3 }, { a: "regex:3" }, false],
  [{ a: ["x", "y"] }, { a: "y" }, true],
  [{ a: ["x", "y"] }, { a: ["y", "x"] }, true],
  [{ a: ["x", "y"] }, { a: ["y", "z"] }, false],
  [{ a: ["abc"] }, { a: "regex:a." }, true],
];

test.each(CASES)("properties %j against criteria %j: %s", (properties, criteria, match) => {
  expect(matchesCriteria(properties, criteria)).toBe(match);
});

test("a filter says yes when any required task is there with all of its criteria", () => {
  const message = new IngestControlMessage();
  message.addTask({ type: "extract", properties: { document_type: "wav", method: "audio" } });
  expect(taskFilter(["extract"])(message)).toBe(true);
  expect(taskFilter(["split"])(message)).toBe(false);
  expect(taskFilter(["split", ["extract", { document_type: "wav" }]])(message)).toBe(true);
  const both = { document_type: "wav" };
  expect(taskFilter([["extract", both, { method: "audio" }]])(message)).toBe(true);
  expect(taskFilter([["extract", both, { method: "other" }]])(message)).toBe(false);
  expect(taskFilter([])(message)).toBe(false);
});

const EXPECTATIONS = "../shared/spec/expectations.json";

describe.runIf(existsSync(EXPECTATIONS))("recorded cases", () => {
  test("all match as recorded", () => {
    const { vectors } = JSON.parse(readFileSync(EXPECTATIONS, "utf8"));
    expect(vectors.task_filter.length).toBeGreaterThan(5);
    for (const { properties, criteria, match } of vectors.task_filter) {
      expect([criteria, matchesCriteria(properties, criteria)]).toEqual([criteria, match]);
    }
  });
});
