/**
 * Goal: what is written comes back as it was or is refused, equal values have equal sorted bytes, and
 * bytes of anybody do no harm.
 * Method: random values, values that are no plain data, and bytes that were changed or made up.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readValue } from "./value-reader.js";
import { ValueWriter } from "./value-writer.js";

function written(value: unknown, sortMembers = false): Buffer | undefined {
  const pieces: Buffer[] = [];
  const sink = {
    takeBytes: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)),
    takeText: (text: string) => void pieces.push(Buffer.from(text)),
  };
  const writer = new ValueWriter(sink, { sortMembers });
  if (!writer.write(value)) return undefined;
  writer.end();
  return Buffer.concat(pieces);
}

const thereAndBack = (value: unknown) => readValue(written(value) as Buffer)?.value;

/** Everything that is kept, and keys that were made to do harm. */
const plain = fc.anything({
  withBigInt: true,
  withDate: true,
  key: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "constructor", "")),
  values: [
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme", maxLength: 9_000 }),
    fc.double(),
    fc.boolean(),
    fc.constantFrom(undefined, null, -0, Number.NaN, "\ud800", "a\udfff", 2n ** 80n),
    fc.uint8Array(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  ],
});

test("whatever plain data is written comes back equal, members in their order", () => {
  fc.assert(
    fc.property(plain, (value) => {
      const back = thereAndBack(value);
      // Also -0, the kinds of bytes, and members that are undefined; the order is in the bytes.
      expect(isDeepStrictEqual(back, value)).toBe(true);
      expect(written(back)).toEqual(written(value));
    }),
    { numRuns: 500 },
  );
});

test("texts longer than a chunk, and many short ones, come back", () => {
  const value = ["ä".repeat(100_000), Array.from({ length: 30_000 }, (_, index) => `${index} ✓`)];
  expect(thereAndBack(value)).toEqual(value);
});

test("an object in two places, or inside itself, is one object again", () => {
  const shared = { a: 1 };
  const circle: Record<string, unknown> = { first: shared, second: shared };
  circle.self = circle;
  const back = thereAndBack(circle) as typeof circle;
  expect(back.first).toEqual({ a: 1 });
  expect(back.second).toBe(back.first);
  expect(back.self).toBe(back);
});

const hidden = Object.defineProperty({}, "hidden", { value: 1, enumerable: false });
const deep = () => {
  let value: unknown = 1;
  for (let depth = 0; depth < 50_000; depth++) value = [value];
  return value;
};

test.each([
  ["a function", () => {}],
  ["a symbol", Symbol("s")],
  ["a map", new Map()],
  ["an instance of a class", new (class Own {})()],
  ["an error", new Error("no")],
  ["floats", new Float32Array(1)],
  ["a hole", new Array(1)],
  ["an array with a name", Object.assign([1], { named: 1 })],
  ["a member that is a symbol", { [Symbol("s")]: 1 }],
  ["a hidden member", hidden],
  ["nesting without end", deep()],
])("%s is refused, not changed", (_, value) => {
  expect(written(value)).toBeUndefined();
  expect(written({ rows: [value] })).toBeUndefined();
});

test("sorted bytes do not depend on the order of members, and on nothing less than the values", () => {
  const pair = fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.infiniteStream(fc.nat()));
  fc.assert(
    fc.property(pair, ([record, numbers]) => {
      const shuffled = Object.fromEntries(
        Object.entries(record)
          .map((entry) => ({ entry, at: numbers.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ entry }) => entry),
      );
      expect(written(shuffled, true)).toEqual(written(record, true));
    }),
  );
  fc.assert(
    fc.property(plain, (value) => {
      // Sorted bytes can be read back, so two different values never have the same.
      const back = readValue(written(value, true) as Buffer)?.value;
      expect(isDeepStrictEqual(back, value)).toBe(true);
    }),
  );
});

test("neighbouring texts, lists and members are kept apart", () => {
  const alike: readonly (readonly [unknown, unknown])[] = [
    [
      ["ab", "c"],
      ["a", "bc"],
    ],
    [[["a"], "b"], [["a", "b"]]],
    [{ a: { b: 1 } }, { "a.b": 1 }],
    [1, "1"],
    [0, -0],
    [[], {}],
    ["\ud800", "\ufffd"],
    [undefined, null],
    [1n, 1],
    [new Uint8Array([97]), "a"],
  ];
  for (const [a, b] of alike) expect(written(a, true)).not.toEqual(written(b, true));
});

test("a member named __proto__ stays a member and no prototype changes", () => {
  const hostile = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}');
  const back = thereAndBack(hostile) as object;
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  expect(Object.keys(back)).toEqual(["__proto__", "constructor"]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("bytes that were cut, changed or made up give a value or nothing, and never throw", () => {
  const change = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1 });
  fc.assert(
    fc.property(plain, change, fc.nat(), (value, changes, cut) => {
      const bytes = written(value) as Buffer;
      expect(readValue(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      readValue(bytes);
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void readValue(bytes)));
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("a count that the bytes do not justify takes no memory", () => {
  expect(readValue(Buffer.from([11, 0xff, 0xff, 0xff, 0xff]))).toBeUndefined();
  expect(readValue(Buffer.from([6, 0xff, 0xff, 0xff, 0xff]))).toBeUndefined();
  expect(readValue(Buffer.alloc(2_000_000, Buffer.from([11, 0, 0, 0, 1])))).toBeUndefined();
});
