// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the form under test
/**
 * Goal: every form of substitution does what it is said to, and a value stays one scalar whatever is in
 * it. Method: tables; the first of texts alone, the second of whole YAML documents.
 */
import { describe, expect, test } from "vitest";
import { readYaml } from "./read-yaml.js";
import { readScalar, SubstitutionFault, substitute } from "./substitute.js";

const environment = { A: "one", B: "two words", N: "5", EMPTY: "", _x1: "u" };

describe("forms", () => {
  test.each([
    ["no variable", "no variable"],
    ["$A", "one"],
    ["${A}", "one"],
    ["$_x1", "u"],
    ["$NONE", ""],
    ["${NONE}", ""],
    ["$EMPTY", ""],
    ["$A|other", "one"],
    ["${A|other}", "one"],
    ["$NONE|other", "other"],
    ["${NONE|other}", "other"],
    ["$EMPTY|other", "other"],
    ["$NONE|", ""],
    ["${NONE|}", ""],
    ["$NONE|a|b", "a|b"],
    ["$NONE|http://host:8000/v1", "http://host:8000/v1"],
    ["${NONE|two words}", "two words"],
    ["$NONE|two words", "two words"],
    ["$A|two words", "one words"],
    ["x $NONE|a, y", "x a, y"],
    ['$NONE|"quoted text"', "quoted text"],
    ['${NONE|"quoted text"}', "quoted text"],
    ['$A|"quoted text"', "one"],
    ['say $NONE|"quoted text" now', 'say "quoted text" now'],
    ["$NONE|$A", "one"],
    ["$NONE|${A}", "one"],
    ["${NONE|$A}", "one"],
    ["${NONE|${A}}", "one"],
    ["$NONE|$EMPTY|last", "last"],
    ['$NONE|$EMPTY|"last one"', "last one"],
    ["$A|$B", "one"],
    ["${NONE|http://${A}:80/}", "http://one:80/"],
    ["http://${A|x}:${NONE|80}/$N", "http://one:80/5"],
    ["$A$N", "one5"],
    ["${A}B", "oneB"],
    ["$AB", ""],
    ["$$", "$"],
    ["$$A", "$A"],
    ["$$$A", "$one"],
    ["$$$$", "$$"],
    ["$", "$"],
    ["5 $", "5 $"],
    ["$5", "$5"],
    ["^a$|b", "^a$|b"],
    ["$(A)", "$(A)"],
  ])("%s becomes %s", (text, expected) => {
    expect(substitute(text, environment).text).toBe(expected);
  });

  test.each([
    ["${A", /`\$\{A` is not closed/],
    ["${A b}", /`\$\{A` is not closed/],
    ["${}", /not followed by a name/],
    ["${5}", /not followed by a name/],
    ["${NONE|x", /`\$\{NONE` is not closed/],
    [`${"$NONE|".repeat(9)}x`, /more than 8/],
  ])("%s is refused", (text, fault) => {
    expect(() => substitute(text, environment)).toThrow(SubstitutionFault);
    expect(() => substitute(text, environment)).toThrow(fault);
  });

  test("100,000 of them inside each other are refused", () => {
    expect(() => substitute("${NONE|".repeat(100_000), environment)).toThrow(/more than 8/);
  });

  test("it tells which variables were taken and which were missed", () => {
    const used = (text: string) => {
      const { set, unset } = substitute(text, environment);
      return { set, unset };
    };
    expect(used("$A and $NONE|$N and $A")).toEqual({ set: ["A", "N"], unset: ["NONE"] });
    expect(used("$A|$NONE|$OTHER")).toEqual({ set: ["A"], unset: [] });
    expect(used("$NONE|$A|$OTHER")).toEqual({ set: ["A"], unset: ["NONE"] });
    expect(used("$$A")).toEqual({ set: [], unset: [] });
  });

  test("a value is not looked into again", () => {
    expect(substitute("$A", { A: "$B ${B|x} $$", B: "no" }).text).toBe("$B ${B|x} $$");
  });

  test("what grows out of bounds is refused", () => {
    const long = { A: "x".repeat(10_000) };
    expect(() => substitute("$A".repeat(200), long)).toThrow(/is longer than/);
    expect(() => substitute(`\${NONE|${"$A".repeat(200)}}`, long)).toThrow(/is longer than/);
  });
});

test.each([
  ["5", 5],
  ["-1.5e3", -1500],
  ["0x10", 16],
  [" 7\n", 7],
  ["true", true],
  ["False", false],
  ["null", null],
  ["~", null],
  ["", null],
  ["yes", "yes"],
  ["1 2", "1 2"],
  ["2026-11-25", "2026-11-25"],
  ['"5"', '"5"'],
])("the scalar %j is read as %j", (text, expected) => {
  expect(readScalar(text)).toBe(expected);
});

describe("no value can change the structure", () => {
  test.each([
    ["a: b"],
    ["[1, 2]"],
    ["{a: b}"],
    ["*x"],
    ["&x y"],
    ["!!js/function 'x'"],
    ["!!int 5"],
    ["x\nother: 1"],
    ["- a\n- b"],
    ["x # no comment"],
    ["# no comment"],
    ["'"],
    ['"'],
    ["| x"],
    ["---\nother: 1"],
    ["%YAML 1.2"],
    ["<<"],
    ["?"],
    ["@x `y`"],
    ["\ttab"],
    ["\u2028"],
    ["\0"],
    ["}]"],
    [", x"],
  ])("%j stays text", (value) => {
    const text = "list: [$X, '$X']\nplain: $X\nquoted: \"$X\"\nblock: |-\n  $X\nlast: 1\n";
    const { value: read, faults } = readYaml(text, { X: value });
    expect(faults).toEqual([]);
    expect(read).toEqual({
      list: [value, value],
      plain: value,
      quoted: value,
      block: value,
      last: 1,
    });
  });

  test("a plain scalar is read again, a quoted one is not", () => {
    const text = [
      "plain: $N",
      'quoted: "$N"',
      "single: '$N'",
      "block: |-",
      "  $N",
      "joined: 1$N",
      "yes: $YES",
      "no: $NONE",
      'noText: "$NONE"',
      'default: $NONE|"5"',
      "dollar: $$5",
      "inner: [$N, {a: $N}]",
    ].join("\n");
    expect(readYaml(text, { N: "5", YES: "true" }).value).toEqual({
      plain: 5,
      quoted: "5",
      single: "5",
      block: "5",
      joined: 15,
      yes: true,
      no: null,
      noText: "",
      default: "5",
      dollar: "$5",
      inner: [5, { a: 5 }],
    });
  });

  test("keys, anchors and comments are left alone", () => {
    const { value, faults } = readYaml("$A: &x 1 # $A\n${A}: *x\n", { A: "changed" });
    expect(faults).toEqual([]);
    expect(value).toEqual({ $A: 1, "${A}": 1 });
  });
});
