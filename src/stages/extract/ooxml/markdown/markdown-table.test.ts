/**
 * Goal: tables look as upstream's do. Method: the spec's vectors where the spec is at hand, the same
 * rules on cells of our own, and tables that are made to be endless.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { hasCode } from "../../../../core/index.js";
import { markdownTable, PADDED_CHARS_MAX } from "./markdown-table.js";

const spec = resolve("../shared/spec/expectations.json");

describe.runIf(existsSync(spec))("the spec's vectors", () => {
  const vectors: { rows: string[][]; markdown: string }[] = existsSync(spec)
    ? JSON.parse(readFileSync(spec, "utf8")).vectors.markdown_table
    : [];
  it.each(vectors.map(({ rows, markdown }) => [rows, markdown] as const))(
    "prints %j as upstream does",
    (rows, markdown) => {
      expect(markdownTable(rows, { tabulateNumbers: true })).toBe(markdown);
    },
  );
});

describe("numbers", () => {
  const rows = [
    ["flow", "gate"],
    ["2.50", "a"],
    ["10", "b"],
    ["1e3", ""],
  ];

  it("stay as they are written and are right aligned", () => {
    expect(markdownTable(rows).split("\n")).toEqual([
      "|   flow | gate   |",
      "|-------:|:-------|",
      "|   2.50 | a      |",
      "|     10 | b      |",
      "|    1e3 |        |",
    ]);
  });

  it("get six digits and one column of points when upstream's form is asked for", () => {
    expect(markdownTable(rows, { tabulateNumbers: true }).split("\n")).toEqual([
      "|   flow | gate   |",
      "|-------:|:-------|",
      "|    2.5 | a      |",
      "|   10   | b      |",
      "| 1000   |        |",
    ]);
  });

  it.each([
    ["1e-7", "1e-07"],
    ["0.00012345678", "0.000123457"],
    ["999999.5", "1e+06"],
    ["1,000.25", "1000.25"],
    ["-0.0", "-0"],
    ["NaN", "nan"],
  ])("prints %s as %s", (cell, printed) => {
    const [, , line = ""] = markdownTable([["n"], [cell]], { tabulateNumbers: true }).split("\n");
    expect(line.replaceAll(/[| ]/g, "")).toBe(printed);
  });

  it.each(["1e400", "0x1f", "1__0", "infinity", "1,00", "-"])("takes %s as text", (cell) => {
    expect(markdownTable([["n"], [cell]])).toContain("|:--");
  });
});

describe("cells", () => {
  it("are stripped, heads are not", () => {
    expect(markdownTable([["rye "], [" oats\t"]])).toBe("| rye    |\n|:-------|\n| oats   |");
  });

  it("with line ends make more lines of the same row, heads too", () => {
    expect(
      markdownTable([
        ["a\nb", "c"],
        ["x\ny", "1"],
      ]).split("\n"),
    ).toEqual([
      "| a   |   c |",
      "| b   |     |",
      "|:----|----:|",
      "| x   |   1 |",
      "| y   |     |",
    ]);
  });

  it("that are missing count as empty, and those beyond the head get an empty head", () => {
    expect(markdownTable([["a"], ["x", "y"], []])).toBe(
      "| a   |    |\n|:----|:---|\n| x   | y  |\n|     |    |",
    );
  });

  it("are measured in code points", () => {
    expect(markdownTable([["🛞🛞"], ["磨"]])).toBe("| 🛞🛞   |\n|:-----|\n| 磨    |");
  });
});

describe("hostile tables", () => {
  it("are written without padding when the padding would be most of it", () => {
    const rows = [["a"], ["x".repeat(50_000)], ...Array.from({ length: 2_000 }, () => ["y"])];
    const table = markdownTable(rows);
    expect(table.length).toBeLessThan(PADDED_CHARS_MAX);
    expect(table.startsWith("| a |\n|:---|\n| xxx")).toBe(true);
    expect(table.endsWith("| y |")).toBe(true);
  });

  it("are refused when a shared cell makes them endless", () => {
    const cell = "x".repeat(1_000_000);
    const rows = Array.from({ length: 1_000 }, () => [cell]);
    expect(codeOf(() => markdownTable(rows))).toBe("EXTRACT_OOXML_TABLE_TOO_LARGE");
  });

  it("without any cell are empty", () => {
    expect(markdownTable([])).toBe("");
    expect(markdownTable([[], []])).toBe("");
  });
});

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    const { code } = error as { code: string };
    return hasCode(error, code) ? code : undefined;
  }
}
