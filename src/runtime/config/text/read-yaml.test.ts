// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the form under test
/**
 * Goal: whatever a text is, it is read within bounds, and what is wrong with it is told with its place.
 * Method: texts that a person might write by mistake, and texts that mean harm.
 */
import { describe, expect, test } from "vitest";
import { positionOf, readYaml } from "./read-yaml.js";

const faultsOf = (text: string) =>
  readYaml(text, {}).faults.map(({ line, column, text: said }) => `${line}:${column}: ${said}`);

describe("faults of the text have their place", () => {
  test.each([
    ["a: 1\na: 2", ['2:1: the key "a" is there twice']],
    ["a:\n  b: 1\n  c: 2\n  b: 3", ['4:3: the key "b" is there twice']],
    ["{a: 1, a: 2}", ['1:8: the key "a" is there twice']],
    ["a: b: c", ['1:4: two keys on one line; put a text that has ": " in it into quotes']],
    ["a: 'x", ["1:6: a quote is not closed"]],
    [
      "a: [1, 2",
      ["1:9: flow sequence in block collection must be sufficiently indented and end with a ]"],
    ],
    ["\ta: 1", ["1:1: tabs are not allowed as indentation"]],
    ["a:\n  b: 1\n c: 2", ["3:1: all mapping items must start at the same column"]],
    ["a: *x", ['1:4: there is no anchor "&x" before this alias']],
    ["a: *x\nb: &x 1", ['1:4: there is no anchor "&x" before this alias']],
    ["a: !!set {x: 1}", ["1:4: tags such as !!set are not taken"]],
    ["a: !mine x", ["1:4: tags such as !!set are not taken"]],
    ["a: 1\n---\nb: 2", ["2:1: only one document is taken; remove what follows ---"]],
    ["[1]: 2", ["1:1: a key must be text"]],
    ["? {a: 1}\n: 2", ["1:3: a key must be text"]],
    ["__proto__: {x: 1}", ['1:1: the key "__proto__" is not taken']],
    ["a: .inf", ["1:4: must be a finite number"]],
    ["a: ${B", ["1:4: `${B` is not closed by `}`"]],
  ])("%j", (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test("several are told at once", () => {
    expect(faultsOf("a: *x\nb: 1\nb: 2\nc: ${\n")).toHaveLength(3);
  });

  test("they quote nothing from the text", () => {
    for (const text of [
      "a: ]canary",
      "- a\nb: canary",
      "a: @canary",
      'a: "\\canary"',
      "a: {canary",
    ]) {
      expect(faultsOf(text).length).toBeGreaterThan(0);
      expect(faultsOf(text).join()).not.toContain("canary");
    }
  });
});

test("what is no fault is read as YAML says", () => {
  const text =
    "base: &b {x: 1}\ncopy: *b\n5: five\n'quoted key': ~\nempty:\nlong: >-\n  two\n  lines\n";
  expect(readYaml(text, {})).toMatchObject({
    faults: [],
    value: {
      base: { x: 1 },
      copy: { x: 1 },
      5: "five",
      "quoted key": null,
      empty: null,
      long: "two lines",
    },
  });
});

test("JSON is YAML", () => {
  const value = { a: [1, "two", true, null, { "b c": "d: e" }], "": "$$" };
  expect(readYaml(JSON.stringify(value, null, "\t"), {}).value).toEqual({ ...value, "": "$" });
});

test("places are those of keys and values", () => {
  const { places } = readYaml("a:\n  - b: $X|1\n    c: 2\n", {});
  expect(places.get(["a", 0, "b"])).toEqual({
    key: { line: 2, column: 5 },
    value: { line: 2, column: 8 },
    written: "$X|1",
    set: [],
    unset: ["X"],
  });
  expect(places.get(["a", 0])).toMatchObject({ value: { line: 2, column: 5 } });
  expect(positionOf({ path: ["a", 0, "c"], at: "key" }, places)).toEqual({ line: 3, column: 5 });
  expect(positionOf({ path: ["a", 0, "missing"], at: "value" }, places)).toEqual({
    line: 2,
    column: 5,
  });
});

describe("texts that mean harm end soon and cost little", () => {
  const bomb = [
    "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
    ...Array.from({ length: 20 }, (_, i) => {
      return `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(", ")}]`;
    }),
  ].join("\n");
  const keys = Array.from({ length: 50_000 }, (_, i) => `k${i}: ${i}`).join("\n");

  test.each([
    ["an alias bomb", bomb, /unfolds to more than 100000 values/],
    ["an alias of what is around it", "a: &a [*a]", /nested more than 64 deep/],
    ["100,000 brackets", "[".repeat(100_000), /nested more than 64 deep/],
    ["100,000 braces", "{a: ".repeat(100_000), /nested more than 64 deep/],
    ["100,000 dashes", "- ".repeat(100_000), /nested more than 64 deep/],
    ["100,000 questions", "? ".repeat(100_000), /nested more than 64 deep/],
    [
      "100,000 levels of lines",
      Array.from({ length: 1_000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      /nested more than 64 deep/,
    ],
    ["closing brackets", "]".repeat(400_000), /no YAML and no JSON/],
    [
      "noise",
      Array.from({ length: 5_000 }, (_, i) => String.fromCharCode(33 + ((i * 7919) % 90))).join(""),
      /./,
    ],
    ["aliases of nothing", "- *a\n".repeat(50_000), /there is no anchor/],
  ])("%s", (_title, text, fault) => {
    expect(faultsOf(text).join("\n")).toMatch(fault);
  });

  test("many keys are no harm", () => {
    const { value, faults } = readYaml(keys, {});
    expect(faults).toEqual([]);
    expect(Object.keys(value as object)).toHaveLength(50_000);
  });

  test("depth is counted in levels", () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(faultsOf(nested(64))).toEqual([]);
    expect(faultsOf(nested(66))[0]).toMatch(/nested more than 64 deep/);
  });

  test("variables that make it too long are refused", () => {
    const text = Array.from({ length: 200 }, (_, i) => `k${i}: $LONG`).join("\n");
    const { faults } = readYaml(text, { LONG: "x".repeat(100_000) });
    expect(faults[0]?.text).toMatch(/too long with its variables/);
  });
});
