/**
 * Goal: running over a JSON string in bytes agrees with JSON.parse about where it ends, whether it is
 * valid and whether it is Unicode text, at every alignment in memory.
 * Method: JSON.parse as the judge; special bytes at every position of strings around the length from
 * which they are read four bytes at a time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { hexAt, hexDigit, runOverString } from "./json-string.js";

/** The bytes at an offset of 0 to 3 from a word's start, with more bytes after them. */
function placed(bytes: Buffer, shift: number): Buffer {
  const room = Buffer.from(new ArrayBuffer(bytes.length + 16));
  bytes.copy(room, shift);
  room.fill(0x22, shift + bytes.length);
  return room.subarray(shift, shift + bytes.length);
}

function run(bytes: Buffer): { end: number; loneSurrogate: boolean } | "refused" {
  try {
    return runOverString(bytes, 1, bytes.length);
  } catch {
    return "refused";
  }
}

function isUnicode(text: string): boolean {
  return Buffer.from(text).toString() === text;
}

/** What JSON.parse says of a text that should be one string. */
function judge(text: string): { end: number; loneSurrogate: boolean } | "refused" {
  try {
    const value = JSON.parse(text) as string;
    return { end: Buffer.byteLength(text) - 1, loneSurrogate: !isUnicode(value) };
  } catch {
    return "refused";
  }
}

test("a quote, a backslash and control characters are found at every position and alignment", () => {
  for (const special of [0x22, 0x5c, 0x00, 0x1f, 0x0a]) {
    for (const length of [1, 5, 63, 64, 65, 70, 140]) {
      for (let at = 0; at < length; at++) {
        const inner = Buffer.alloc(length, "a");
        inner[at] = special;
        const bytes = Buffer.concat([Buffer.from('"'), inner, Buffer.from('"')]);
        for (let shift = 0; shift < 4; shift++) {
          const got = run(placed(bytes, shift));
          if (special === 0x22) expect(got).toEqual({ end: at + 1, loneSurrogate: false });
          else expect(got).toBe("refused");
        }
      }
    }
  }
});

test("bytes beside the special ones are plain at every position", () => {
  const plain = [0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff];
  for (const byte of plain) {
    for (let shift = 0; shift < 4; shift++) {
      const bytes = Buffer.concat([Buffer.from('"'), Buffer.alloc(200, byte), Buffer.from('"')]);
      expect(run(placed(bytes, shift))).toEqual({ end: 201, loneSurrogate: false });
    }
  }
});

test("any string that JSON writes is run over to its end", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: fc.constantFrom("\\", '"', "\u0000", "\ud800", "\udc00", "a", "é") }),
  );
  fc.assert(
    fc.property(texts, fc.nat(3), (value, shift) => {
      const text = JSON.stringify(value);
      expect(run(placed(Buffer.from(text), shift))).toEqual(judge(text));
    }),
    { numRuns: 500 },
  );
});

test("escapes of any kind and order are judged as JSON.parse does", () => {
  const pieces = fc.constantFrom(
    ...'a|\\n|\\\\|\\/|\\"|\\u0041|\\ud83d\\ude00|\\ud800|\\udBFF|\\uDC00|\\udfff|\\ud7ff|\\ue000'.split(
      "|",
    ),
    ..."\\x|\\u12|\\u12g4|\\|\\U0041|\\'|\u0001|\t".split("|"),
    "b".repeat(70),
    "\ud83d\ude00",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), fc.nat(3), (parts, shift) => {
      const text = `"${parts.join("")}"`;
      const expected = judge(text);
      const got = run(placed(Buffer.from(text), shift));
      // A text whose string ends early is refused by JSON.parse for what follows it.
      if (got !== "refused" && got.end < Buffer.byteLength(text) - 1)
        expect(expected).toBe("refused");
      else expect(got).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});

test.for([
  ["a pair", "\\ud83d\\ude00", false],
  ["a high one alone", "\\ud800", true],
  ["a high one before a letter", "\\ud800b", true],
  ["a high one before another escape", "\\ud800\\n", true],
  ["a low one alone", "\\udc00", true],
  ["two high ones before a low one", "\\ud800\\ud800\\udc00", true],
  ["a pair and one more low one", "\\ud800\\udc00\\udc00", true],
  ["a high one, plain text, a low one", `\\ud800${"x".repeat(80)}\\udc00`, true],
  ["the neighbours of the surrogates", "\\ud7ff\\ue000", false],
] as const)("surrogate escapes: %s", ([, inner, loneSurrogate]) => {
  expect(run(Buffer.from(`"${inner}"`))).toMatchObject({ loneSurrogate });
});

test("a string that is cut off anywhere is refused", () => {
  const whole = Buffer.from(`"a\\u00e9\\n\\"${"z".repeat(70)}"`);
  for (let end = 1; end < whole.length; end++) expect(run(whole.subarray(0, end))).toBe("refused");
});

test("hexadecimal digits are read in both cases, and nothing else is one", () => {
  for (let code = -1; code <= 0xffff; code++) {
    const letter = code < 0 ? "" : String.fromCharCode(code);
    const expected = /^[0-9a-fA-F]$/.test(letter) ? Number.parseInt(letter, 16) : -1;
    if (hexDigit(code) !== expected) expect.fail(`code ${code} gave ${hexDigit(code)}`);
  }
  expect(hexAt(Buffer.from("00aBfF"), 2, 6)).toBe(0xabff);
});
