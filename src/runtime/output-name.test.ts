/**
 * Goal: no name of a document leads a result out of its directory or onto another's.
 * Method: names known to do harm, and generated ones.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { outputName } from "./output-name.js";

test("plain names stay readable, and keep their own extension", () => {
  expect(outputName("sub/Grain prices.html", "json")).toBe("sub/Grain prices.html.json");
  expect(outputName("a.pdf", "md")).not.toBe(outputName("a.docx", "md"));
  expect(outputName("жёрнов.txt", "jsonl")).toBe("жёрнов.txt.jsonl");
});

test.each([
  "..",
  ".",
  "",
  "../../etc/passwd",
  "/etc/passwd",
  "a\\..\\b",
  "a\u0000.pdf",
  "C:\\boot.ini",
  "con",
  "CON.pdf",
  "nul.txt",
  "com1.tar.gz",
  "trailing. ",
  "\u202egpj.pdf",
  "x".repeat(5_000),
  "ü".repeat(500),
  "\ud83c".repeat(10),
])("%j becomes a harmless name", (name) => {
  const components = outputName(name, "json").split("/");
  for (const component of components) {
    expect(component).not.toMatch(/^\.{0,2}$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the question
    expect(component).not.toMatch(/[\u0000-\u001f\\:*?"<>|]|[. ]$/);
    expect(component).not.toMatch(/^(con|nul|com1)(\.|$)/i);
    expect(Buffer.byteLength(component)).toBeLessThanOrEqual(255);
  }
});

test("a folder that is named like a result does not stand in a result's way", () => {
  const inside = outputName("a.pdf.json/b.pdf", "json").split("/")[0];
  expect(inside).not.toBe(outputName("a.pdf", "json"));
});

test("different names never share a result", () => {
  const letter = fc.constantFrom("a", "B", ".", " ", "/", "\\", ":", "\u0000", "_", "ü", "-");
  const name = fc.string({ unit: letter, maxLength: 12 });
  fc.assert(
    fc.property(name, name, (one, other) => {
      fc.pre(one !== other);
      expect(outputName(one, "json")).not.toBe(outputName(other, "json"));
    }),
    { numRuns: 2_000 },
  );
});
