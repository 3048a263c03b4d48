/**
 * Goal: what comes from outside cannot play tricks on a terminal, in log lines and elsewhere.
 * Method: texts with control characters in, printed texts out.
 */
import { expect, test } from "vitest";
import { exitCodeOf } from "./exit-codes.js";
import { prettyLine } from "./logging.js";
import { printable, shortened } from "./printable.js";

test("control characters and turned reading order become visible", () => {
  expect(printable("a\u001b[2Jb\u009bc\u202ed\n")).toBe("a\\u{1b}[2Jb\\u{9b}c\\u{202e}d\\u{a}");
  expect(printable("жёрнов 🌊 中")).toBe("жёрнов 🌊 中");
});

test("a long name keeps its start and its end", () => {
  expect(shortened("abcdefghij.pdf", 9)).toBe("abcd….pdf");
  expect(shortened("short.pdf", 9)).toBe("short.pdf");
});

test("a log line shows time, level, text and details", () => {
  const json = JSON.stringify({ level: 40, time: 0, msg: "queue full", queue: "a\u001bb", n: 3 });
  const line = prettyLine(json);
  expect(line).toMatch(/^00:00:00\.000 warn {2}queue full {2}queue="a\\u001bb" n=3\n$/);
});

test.each([
  ["input", 2],
  ["transport", 69],
  ["limit", 75],
  ["state", 70],
  ["stage", 70],
  ["internal", 70],
  [undefined, 70],
])("an error of kind %s ends with %i", (kind, code) => {
  expect(exitCodeOf(Object.assign(new Error("x"), { kind }))).toBe(code);
});

test("what is no error ends with 70", () => {
  expect(exitCodeOf("text")).toBe(70);
});
