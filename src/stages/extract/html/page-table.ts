/** Collects the cells of a page's table and writes them as a Markdown table. */

export interface PageCell {
  readonly text: string;
  readonly columnSpan: number;
}

export interface PageRow {
  readonly cells: PageCell[];
  /** Whether the page says that the row is a head: in `<thead>`, or all cells are `<th>`. */
  isHead: boolean;
}

/** As many empty cells as one cell may stand for; the page may say a billion. */
const COLUMN_SPAN_MAX = 100;

export function columnSpanOf(text: string | undefined): number {
  const span = /^\s*\d{1,9}\s*$/.test(text ?? "") ? Number(text) : 1;
  return Math.min(Math.max(span, 1), COLUMN_SPAN_MAX);
}

/**
 * The table, or nothing when no cell has text. A table needs a head in Markdown: where the page has
 * none, it is a row of empty cells. Bars in a cell are escaped.
 */
export function pageTable(rows: readonly PageRow[]): string {
  const filled = rows.filter((row) => row.cells.length > 0);
  if (!filled.some((row) => row.cells.some((cell) => cell.text !== ""))) return "";
  const columns = filled.reduce((most, row) => Math.max(most, columnsOf(row)), 0);
  const [first] = filled;
  const hasHead = first?.isHead === true;
  const missing = hasHead ? columns - columnsOf(first) : columns;
  const head = `${hasHead ? rowText(first) : "|"}${"  |".repeat(missing)}`;
  const body = (hasHead ? filled.slice(1) : filled).map(rowText);
  return [head, `|${" --- |".repeat(columns)}`, ...body].join("\n");
}

function columnsOf(row: PageRow): number {
  return row.cells.reduce((sum, cell) => sum + cell.columnSpan, 0);
}

function rowText(row: PageRow): string {
  const cells = row.cells.map(({ text, columnSpan }) => {
    const escaped = text.replaceAll("|", "\\|");
    return `${escaped === "" ? " " : ` ${escaped}`} |${" |".repeat(columnSpan - 1)}`;
  });
  return `|${cells.join("")}`;
}
