/**
 * Writes rows of cells as a Markdown table, laid out as upstream's are (tabulate's "pipe").
 * Source: spec pipeline-and-stages.md 5.5.
 */
import { MiB } from "../../../../core/index.js";
import { ExtractErrors } from "../errors.js";
import { columnKind, tabulated } from "./numeric-cells.js";
import { lengthOf, strip } from "./text-edges.js";

export interface MarkdownTableOptions {
  /**
   * `true` prints columns of numbers as upstream does: six significant digits, decimal points one
   * under another. `false` (default) leaves every digit as it is in the document.
   */
  readonly tabulateNumbers?: boolean;
}

/** The longest table, in characters; more is refused before it is built. */
const TABLE_CHARS_MAX = 32 * MiB;
/** A table that would be longer than this because of its padding is written without padding. */
export const PADDED_CHARS_MAX = 4 * MiB;
/** Blanks by which a column is at least wider than its head. */
const HEAD_MARGIN = 2;

interface Column {
  readonly head: readonly string[];
  /** The lines of each cell. */
  readonly cells: readonly (readonly string[])[];
  readonly isNumeric: boolean;
  readonly width: number;
}

/**
 * The table; its first row is the head. Rows may differ in length. Cells are stripped, heads are
 * not; a line break in a cell makes more lines of the same row.
 *
 * @throws EXTRACT_OOXML_TABLE_TOO_LARGE
 */
export function markdownTable(
  rows: readonly (readonly string[])[],
  options: MarkdownTableOptions = {},
): string {
  const columnCount = rows.reduce((most, row) => Math.max(most, row.length), 0);
  if (columnCount === 0) return "";
  refuseTooLong(rows, columnCount);
  const hasLines = rows.some((row) => row.some((cell) => /[\r\n]/.test(cell)));
  const columns = Array.from({ length: columnCount }, (_, index) =>
    readColumn(rows, index, { hasLines, ...options }),
  );
  const lineWidth = columns.reduce((sum, column) => sum + column.width + 3, 1);
  const pads = lineWidth * (rows.length + 1) <= PADDED_CHARS_MAX;
  const hasBody = rows.length > 1;
  const lines = rowLines(
    columns.map((column) => column.head),
    columns,
    pads,
  );
  lines.push(`|${columns.map((column) => separator(column, hasBody, pads)).join("|")}|`);
  for (let row = 0; row < rows.length - 1; row++) {
    const cells = columns.map((column) => column.cells[row] ?? []);
    for (const line of rowLines(cells, columns, pads)) lines.push(line);
  }
  return lines.join("\n");
}

/** Cells may be shared between rows, so a small document can describe an endless table. */
function refuseTooLong(rows: readonly (readonly string[])[], columnCount: number): void {
  let chars = rows.length * (columnCount * 3 + 2);
  for (const row of rows) for (const cell of row) chars += cell.length;
  if (chars > TABLE_CHARS_MAX)
    throw ExtractErrors.TABLE_TOO_LARGE({ chars, limit: TABLE_CHARS_MAX });
}

function readColumn(
  rows: readonly (readonly string[])[],
  index: number,
  options: MarkdownTableOptions & { readonly hasLines: boolean },
): Column {
  const lines = (text: string) => (options.hasLines ? splitLines(text) : [text]);
  const headText = rows[0]?.[index] ?? "";
  const head = options.hasLines ? headText.split(/[\r\n]/) : [headText];
  const stripped = rows.slice(1).map((row) => strip(row[index] ?? ""));
  const kind = columnKind(stripped);
  const isNumeric = kind !== "text";
  const shown =
    isNumeric && options.tabulateNumbers === true ? tabulated(stripped, kind) : stripped;
  const cells = shown.map(lines);
  let width = widest(head) + HEAD_MARGIN;
  for (const cell of cells) width = Math.max(width, widest(cell));
  return { head, cells, isNumeric, width };
}

function widest(lines: readonly string[]): number {
  return lines.reduce((most, line) => Math.max(most, lengthOf(line)), 0);
}

/** As Python's `splitlines`, which knows more line ends than XML and gives no last empty line. */
function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function separator(column: Column, hasBody: boolean, pads: boolean): string {
  const width = pads ? column.width + 1 : 3;
  if (!hasBody) return "-".repeat(width + 1);
  return column.isNumeric ? `${"-".repeat(width)}:` : `:${"-".repeat(width)}`;
}

function rowLines(
  cells: readonly (readonly string[])[],
  columns: readonly Column[],
  pads: boolean,
): string[] {
  const height = cells.reduce((most, cell) => Math.max(most, cell.length), 0);
  return Array.from({ length: height }, (_, line) => {
    const shown = columns.map((column, index) => {
      const text = cells[index]?.[line] ?? "";
      if (!pads) return text;
      const padding = " ".repeat(column.width - lengthOf(text));
      return column.isNumeric ? padding + text : text + padding;
    });
    return `| ${shown.join(" | ")} |`;
  });
}
