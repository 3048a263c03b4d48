/**
 * Goal: large results are divided and joined as nv-ingest does, and never joined wrongly.
 * Method: results of every shape, divided and joined again; and fragments that do not fit.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fragmentCountOf, isComplete, joinFragments, splitResult } from "./fragments.js";

const record = (text: string) => ({ document_type: "text", metadata: { content: text } });
const result = (data: unknown) =>
  JSON.stringify({
    status: "success",
    description: "Successfully processed the message.",
    data,
    fragment: 0,
    fragment_count: 1,
    trace: { "trace::entry::x": 1 },
    annotations: { "annotation::1": { message: "Pushed" } },
  });

function fragments(count: number): string[] {
  return splitResult(result(Array.from({ length: count }, (_, n) => record(`${n}`.padEnd(90)))), 1);
}

const failsToJoin = (texts: readonly string[], reason: RegExp) => {
  expect(() => joinFragments(texts)).toThrow(
    expect.objectContaining({
      code: "CLIENT_FRAGMENTS_INVALID",
      message: expect.stringMatching(reason),
    }),
  );
};

test("a result within the limit stays as it is", () => {
  const text = result([record("grain")]);
  expect(splitResult(text, Buffer.byteLength(text))).toEqual([text]);
  expect(joinFragments([text])).toBe(text);
  expect(fragmentCountOf(text)).toBe(1);
});

test.each([["no JSON at all ".repeat(20)], [result(null)], [result("text")], [result([])]])(
  "what is no list of records is not divided: %s",
  (text) => {
    expect(splitResult(text, 10)).toEqual([text]);
  },
);

test("trace and annotations go with the first fragment, the status with each", () => {
  const [first, ...rest] = fragments(3).map((text) => JSON.parse(text) as object);
  expect(first).toMatchObject({ fragment: 0, fragment_count: 3, status: "success" });
  expect(Object.keys(first as object)).toEqual(expect.arrayContaining(["trace", "annotations"]));
  for (const [index, part] of rest.entries()) {
    expect(part).toMatchObject({ fragment: index + 1, fragment_count: 3, status: "success" });
    expect(Object.keys(part)).not.toContain("trace");
  }
});

test("whatever the records are, they come back in their order, and no fragment is too large", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 60, unit: "grapheme" }).map(record), { maxLength: 30 }),
      fc.integer({ min: 150, max: 2_000 }),
      (data, maxBytes) => {
        const text = result(data);
        const parts = splitResult(text, maxBytes);
        for (const part of parts.length > 1 ? parts : []) {
          const { data: records } = JSON.parse(part) as { data: unknown[] };
          const bytes = records.map((each) => Buffer.byteLength(JSON.stringify(each)));
          const sum = bytes.reduce((all, one) => all + one, 0);
          expect(records.length === 1 || sum <= maxBytes).toBe(true);
        }
        expect(isComplete(parts)).toBe(true);
        expect(JSON.parse(joinFragments(parts.toReversed()))).toEqual(JSON.parse(text));
      },
    ),
  );
});

describe("fragments", () => {
  test("in any order, and some of them twice, are one result", () => {
    const [a, b, c] = fragments(3) as [string, string, string];
    const joined = joinFragments([a, b, c]);
    expect(joinFragments([c, a, b])).toBe(joined);
    expect(joinFragments([a, b, a, b, c])).toBe(joined);
    expect(JSON.parse(joined)).toMatchObject({ fragment: 0, fragment_count: 1 });
  });

  test("are complete only when all are there", () => {
    const [a, b, c] = fragments(3) as [string, string, string];
    expect(isComplete([a, b])).toBe(false);
    expect(isComplete([])).toBe(false);
    expect(isComplete([a, b, c])).toBe(true);
  });

  test("are not complete while copies stand for those that are missing", () => {
    const [a, b, c] = fragments(3) as [string, string, string];
    expect(isComplete([a, b, a])).toBe(false);
    expect(isComplete([a, b, a, b, c])).toBe(true);
    expect(isComplete([a, b, "no fragment"])).toBe(true);
  });

  test("with different records under one number are refused", () => {
    const [a, b, c] = fragments(3) as [string, string, string];
    failsToJoin(
      [a, b, c, b.replace('"data":[', '"data":[{},')],
      /two of number 1, and they differ/,
    );
  });

  test("of which one is missing are refused", () => {
    const [a, , c] = fragments(3) as [string, string, string];
    failsToJoin([a, c], /1 of 3 are missing: 1/);
    failsToJoin([a, a, c], /1 of 3 are missing: 1/);
  });

  test("of different results are refused", () => {
    const [a, b] = fragments(3) as [string, string];
    const [other] = fragments(2) as [string];
    failsToJoin([a, b, other], /3 and 2 of them/);
  });

  test.each([
    ["cut in the middle", (text: string) => text.slice(0, 40)],
    ["no object", () => "[1]"],
    ["a negative index", (text: string) => text.replace('"fragment":1', '"fragment":-1')],
    [
      "an index that does not exist",
      (text: string) => text.replace('"fragment":1', '"fragment":9'),
    ],
    [
      "a count of nothing",
      (text: string) => text.replace('"fragment_count":3', '"fragment_count":0'),
    ],
  ])("of which one is broken are refused: %s", (_, spoil) => {
    const [a, b, c] = fragments(3) as [string, string, string];
    failsToJoin([a, spoil(b), c], /cannot be read|does not exist/);
  });
});

test("members that are missing mean the only fragment", () => {
  const text = '{"data": null, "status": "failed"}';
  expect(joinFragments([text])).toBe(text);
  expect(fragmentCountOf(text)).toBe(1);
  expect(isComplete([text])).toBe(true);
});
