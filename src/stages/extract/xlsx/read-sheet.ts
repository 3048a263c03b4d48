/** Reads the cells of one sheet, row by row, so that a sheet of any length costs only its texts. */
import type { OoxmlPackage } from "../ooxml/ooxml-package.js";
import { childrenOf, descend, textOf, type XmlElement } from "../ooxml/xml/xml-element.js";
import type { CellBudget } from "../sheets/sheet-rows.js";
import type { CellFormats } from "./cell-formats.js";
import { isTrue, richText } from "./cell-values.js";

interface SheetContext {
  readonly strings: readonly string[];
  readonly formats: CellFormats;
  readonly budget: CellBudget;
}

/** Text by column, from 0. */
type SparseRow = ReadonlyMap<number, string>;

/** The last column that a sheet may have, `XFD`. */
const COLUMNS_MAX = 16_384;

/**
 * Rows of cells. Rows and columns without any text are left out: a lone cell far away does not make a
 * table of millions.
 *
 * @throws EXTRACT_OOXML_TOO_MANY_CELLS, and what reading a part throws.
 */
export function readSheet(source: OoxmlPackage, part: string, context: SheetContext): string[][] {
  const rows: SparseRow[] = [];
  const onItem = (row: XmlElement) => {
    const cells = readRow(row, context);
    if (cells.size > 0) rows.push(cells);
  };
  source.readXml(part, { items: { of: "s:sheetData", onItem } });
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))].sort((a, b) => a - b);
  context.budget.take(rows.length * columns.length);
  return rows.map((row) => columns.map((column) => row.get(column) ?? ""));
}

function readRow(row: XmlElement, context: SheetContext): SparseRow {
  const cells = new Map<number, string>();
  let column = -1;
  for (const cell of childrenOf(row, "s:c")) {
    column = columnOf(cell.attributes.r) ?? column + 1;
    if (column >= COLUMNS_MAX) continue;
    const text = cellText(cell, context);
    if (text.trim() === "") continue;
    context.budget.take(1);
    cells.set(column, text);
  }
  return cells;
}

/** The column of a reference such as `BC12`, from 0. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^[A-Z]{1,3}/.exec(reference ?? "")?.[0];
  if (letters === undefined) return undefined;
  let column = 0;
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}

function cellText(cell: XmlElement, { strings, formats }: SheetContext): string {
  const value = textOf(descend(cell, "s:v"));
  switch (cell.attributes.t) {
    case "s":
      return strings[Number(value)] ?? "";
    case "inlineStr":
      return richText(descend(cell, "s:is"));
    case "b":
      return isTrue(value) ? "TRUE" : "FALSE";
    case "str":
    case "e":
    case "d":
      return value;
    default:
      return formats.show(value, Number(cell.attributes.s ?? 0));
  }
}
