/**
 * Tells columns of numbers from columns of text and prints numbers the way that upstream's tables
 * do. Source: spec pipeline-and-stages.md 5.5.
 */

const INTEGER = /^[+-]?\d+(?:_\d+)*$/;
const DECIMAL =
  /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
const THOUSANDS = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;
const NO_NUMBER = /^(?:nan|-?inf)$/i;

export type ColumnKind = "text" | "integer" | "decimal";

/** The kind that holds for every cell that is not empty; a column of empty cells is text. */
export function columnKind(cells: readonly string[]): ColumnKind {
  let kind: ColumnKind | undefined;
  for (const cell of cells) {
    if (cell === "") continue;
    const one = cellKind(cell);
    if (one === "text") return "text";
    kind = kind === "decimal" ? kind : one;
  }
  return kind ?? "text";
}

function cellKind(cell: string): ColumnKind {
  if (INTEGER.test(cell)) return "integer";
  if (THOUSANDS.test(cell)) return cell.includes(".") ? "decimal" : "integer";
  if (NO_NUMBER.test(cell)) return "decimal";
  return DECIMAL.test(cell) && Number.isFinite(toNumber(cell)) ? "decimal" : "text";
}

function toNumber(cell: string): number {
  return Number(cell.replaceAll(/[,_]/g, ""));
}

/** The cells of a numeric column as upstream prints them, their decimal points one under another. */
export function tabulated(cells: readonly string[], kind: "integer" | "decimal"): string[] {
  if (kind === "integer") return [...cells];
  const printed = cells.map((cell) =>
    cell === "" || NO_NUMBER.test(cell) ? cell.toLowerCase() : sixDigits(toNumber(cell)),
  );
  const behind = printed.map(charsBehindPoint);
  const most = behind.reduce((a, b) => Math.max(a, b), -1);
  return printed.map((cell, index) => cell + " ".repeat(most - (behind[index] ?? -1)));
}

/** Six significant digits without zeros at the end, as Python's format `g`. */
function sixDigits(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits = "", power = "0"] = value.toExponential(5).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return withoutZeros(value.toFixed(5 - exponent));
  const sign = exponent < 0 ? "-" : "+";
  return `${withoutZeros(digits)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function withoutZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** -1 without point and exponent, so that whole numbers end before the column of points. */
function charsBehindPoint(printed: string): number {
  if (printed === "" || INTEGER.test(printed)) return -1;
  const point = printed.lastIndexOf(".");
  const at = point === -1 ? printed.lastIndexOf("e") : point;
  return at === -1 ? -1 : printed.length - at - 1;
}
