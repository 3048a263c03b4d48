/**
 * Goal: the scanner accepts what JSON.parse accepts (and Python's three literals), finds the members
 * where they stand, and does the same for JSON that is the content of a JSON string.
 * Method: JSON.parse as the judge over valid texts, texts with a few bytes changed, and texts written
 * with every kind of escape.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { WireErrors } from "./errors.js";
import { type Member, scanObject } from "./json-scanner.js";

type Pairs = [key: string, value: unknown][];

/** Keys and values of the object's members as the scanner finds them; how the text is judged else. */
function scan(text: string, escaped = false): Pairs | "other value" | "refused" {
  const bytes = Buffer.from(text);
  let scanned: { members: Member[]; closeAt: number } | undefined;
  try {
    scanned = scanObject(bytes, escaped);
  } catch (error) {
    expect(error).toMatchObject({ code: WireErrors.JSON_INVALID.code });
    return "refused";
  }
  if (scanned === undefined) return "other value";
  const read = (start: number, end: number): unknown => {
    const part = bytes.toString("utf8", start, end);
    return JSON.parse(escaped ? (JSON.parse(`"${part}"`) as string) : part);
  };
  return scanned.members.map((member) => [
    read(member.keyStart, member.keyEnd) as string,
    read(member.valueStart, member.valueEnd),
  ]);
}

/** What JSON.parse makes of it; members in their order in the text are not asked for. */
function judge(text: string): unknown {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return "refused";
  }
}

function agree(text: string, got: ReturnType<typeof scan>): void {
  const judged = judge(text);
  if (judged === "refused") {
    expect(got, text).toBe("refused");
    return;
  }
  const { value } = judged as { value: unknown };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject) {
    expect(got, text).toBe("other value");
    return;
  }
  expect(Array.isArray(got), text).toBe(true);
  expect(Object.fromEntries(got as Pairs), text).toEqual(value);
}

/** A cut may part the two halves of a character, which no bytes in UTF-8 can say. */
function isUnicode(text: string): boolean {
  return Buffer.from(text).toString() === text;
}

/** The text with each character escaped in one of the ways a JSON string allows. */
function escapeVariously(text: string, ways: readonly number[]): string {
  const short: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "/": "\\/" };
  return Array.from({ length: text.length }, (_, i) => {
    const unit = text.charAt(i);
    const way = ways[i % Math.max(ways.length, 1)] ?? 0;
    const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
    if (way === 1) return `\\u${hex}`;
    if (way === 2) return `\\u${hex.toUpperCase()}`;
    if (short[unit] !== undefined) return short[unit];
    return JSON.stringify(unit).slice(1, -1);
  }).join("");
}

const documents = fc.oneof(
  fc.json({ maxDepth: 5 }),
  fc.json({ maxDepth: 3, stringUnit: "binary" }),
  fc
    .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    .map((value) => JSON.stringify(value, undefined, 2)),
);

test("every JSON text is accepted and its members are found", () => {
  fc.assert(
    fc.property(documents, fc.constantFrom("", " ", "\n\t\r "), (text, blanks) => {
      agree(text, scan(`${blanks}${text}${blanks}`));
    }),
    { numRuns: 500 },
  );
});

const mutations = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(3),
    insert: fc.constantFrom("", ...'{}[],:"\\ntu0123456789.eE+-abfr \u0000\u001f/'.split(""), '""'),
  }),
  { minLength: 1, maxLength: 3 },
);

function mutate(text: string, changes: readonly { at: number; remove: number; insert: string }[]) {
  let mutated = text;
  for (const { at, remove, insert } of changes) {
    const start = Math.floor(at * mutated.length);
    mutated = mutated.slice(0, start) + insert + mutated.slice(start + remove);
  }
  return mutated;
}

test("a text with a few characters changed is judged as JSON.parse judges it", () => {
  fc.assert(
    fc.property(documents, mutations, (text, changes) => {
      const mutated = mutate(text, changes);
      if (!isUnicode(mutated)) return;
      agree(mutated, scan(mutated));
    }),
    { numRuns: 3_000 },
  );
});

test("JSON inside a JSON string is judged as JSON.parse judges what the string means", () => {
  const ways = fc.array(fc.nat(3), { maxLength: 7 });
  fc.assert(
    fc.property(documents, mutations, fc.boolean(), ways, (text, changes, isMutated, way) => {
      const inner = isMutated ? mutate(text, changes) : text;
      if (!isUnicode(inner)) return;
      const escaped = escapeVariously(inner, way);
      expect(JSON.parse(`"${escaped}"`)).toBe(inner);
      agree(inner, scan(escaped, true));
    }),
    { numRuns: 3_000 },
  );
});

test.for([
  "{",
  "}",
  "{]",
  "[}",
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{,"a":1}',
  '{"a":1 "b":2}',
  '{"a":1,,"b":2}',
  '{"a" 1}',
  "{a:1}",
  "{'a':1}",
  "[1,]",
  "[,1]",
  "[1 2]",
  "01",
  "1.",
  ".5",
  "+1",
  "-",
  "1e",
  "0x10",
  "1_000",
  "nan",
  "infinity",
  "+Infinity",
  "--1",
  "tru",
  "truee",
  "nul",
  "{} {}",
  "{}x",
  "",
  "   ",
  "\ufeff{}",
  "\u00a0{}",
  '{"a":"\n"}',
  "// comment\n{}",
])("%j is refused, also as the content of a string", (text) => {
  expect(scan(text)).toBe("refused");
  expect(scan(JSON.stringify(text).slice(1, -1), true)).toBe("refused");
});

test.for(["NaN", "Infinity", "-Infinity"])("%s is a value, as Python reads it", (literal) => {
  for (const escaped of [false, true]) {
    const quote = escaped ? '\\"' : '"';
    const text = `{${quote}a${quote}: [${literal}, 1], ${quote}b${quote}:${literal}}`;
    const scanned = scanObject(Buffer.from(text), escaped);
    const b = scanned?.members[1];
    expect(text.slice(b?.valueStart, b?.valueEnd)).toBe(literal);
    expect(text.slice(scanned?.closeAt)).toBe("}");
  }
  expect(scan(literal)).toBe("other value");
});

test("a text a hundred thousand containers deep is refused, and 500 deep is taken", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const deep = (depth: number) => `{"x":${open.repeat(depth)}1${close.repeat(depth)}}`;
    expect(scan(deep(100_000))).toBe("refused");
    expect(scan(`{"x":${open.repeat(100_000)}`)).toBe("refused");
    expect(scan(JSON.stringify(deep(100_000)).slice(1, -1), true)).toBe("refused");
    expect(scan(deep(500))).toHaveLength(1);
    expect(scan(JSON.stringify(deep(500)).slice(1, -1), true)).toHaveLength(1);
  }
});

test("members beyond a thousand, and numbers of ten thousand digits, are refused", () => {
  const members = (count: number) =>
    `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join(",")}}`;
  expect(scan(members(1_024))).toHaveLength(1_024);
  expect(scan(members(1_025))).toBe("refused");
  expect(scan(`{"a":${"9".repeat(4_000)}}`)).toHaveLength(1);
  expect(scan(`{"a":${"9".repeat(10_000)}}`)).toBe("refused");
});

test("duplicate members are all told, in order, and __proto__ is a name like any other", () => {
  expect(scan('{"a":1,"__proto__":{"b":2},"a":3}')).toEqual([
    ["a", 1],
    ["__proto__", { b: 2 }],
    ["a", 3],
  ]);
});

test("a string value with an unpaired surrogate escape is told, and only that member", () => {
  const text = '{"\\ud800":"k","a":"\\ud800","b":"\\ud83d\\ude00","c":["\\ud800"],"d":1}';
  const scanned = scanObject(Buffer.from(text), false);
  const told = scanned?.members.map((member) => member.loneSurrogate);
  expect(told?.[0]).toBe(false);
  expect(told?.[1]).toBe(true);
  expect(told?.[2]).toBe(false);
  expect(told?.[4]).toBe(false);
});

test("a text that is all structure is refused before it can keep the process busy", () => {
  const commas = `[${"1,".repeat(2 * 1024 * 1024)}1]`;
  expect(scan(`{"command":"PING","x":${commas}}`)).toBe("refused");
  expect(scan(`{"a":"${",".repeat(4 * 1024 * 1024)}"}`)).toHaveLength(1);
});
