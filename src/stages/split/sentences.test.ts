/** Goal: sentences are found in texts of any length, and nothing of a text is lost. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { sentenceEnds } from "./sentences.js";

function sentencesOf(text: string, language = "en"): string[] {
  const ends = sentenceEnds(text, language);
  return Array.from({ length: ends.length }, (_, index) =>
    text.slice(index === 0 ? 0 : ends.at(index - 1), ends.at(index)),
  );
}

test.each([
  ["One. Two? Three!", "en", ["One. ", "Two? ", "Three!"]],
  ["Das ist Satz eins. Das ist Satz zwei.", "de", ["Das ist Satz eins. ", "Das ist Satz zwei."]],
  ["これは文です。これも文です。", "ja", ["これは文です。", "これも文です。"]],
  ["One. Two.", "unknown", ["One. ", "Two."]],
  ["", "en", []],
])("%j", (text, language, sentences) => {
  expect(sentencesOf(text, language)).toEqual(sentences);
});

test("sentences far behind are found as those in front", () => {
  const sentences = Array.from(
    { length: 3_000 },
    (_, n) => `This is sentence number ${n} of all. `,
  );
  expect(sentencesOf(sentences.join(""))).toEqual(sentences);
});

test("a sentence without an end is cut, but not within a character", () => {
  const pieces = sentencesOf("🚂".repeat(10_000));
  expect(pieces.join("")).toBe("🚂".repeat(10_000));
  for (const piece of pieces) expect(piece).toMatch(/^\p{L}*(?:🚂)+$/u);
});

test("whatever the text, its sentences put together are the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 9_000 }), (text) => {
      expect(sentencesOf(text).join("")).toBe(text);
    }),
  );
});
