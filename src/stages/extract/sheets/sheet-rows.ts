/**
 * Rows of documents that are made of sheets: each sheet a table in Markdown. Tables are structured rows
 * where tables are asked for, else they are the document's text, so that nothing is lost either way.
 */

import type { ExtractedRow, Extraction, ExtractRequest } from "../extractor.js";
import { ExtractErrors } from "../ooxml/errors.js";
import { markdownTable } from "../ooxml/markdown/markdown-table.js";
import { NOWHERE, officeSource, tableRow, textRow, undoneNotes } from "../ooxml/office-rows.js";

export interface Sheet {
  /** `""` where a document has one sheet without a name. */
  readonly name: string;
  /** Rows of cells; the first row is the head. */
  readonly cells: readonly (readonly string[])[];
}

export interface SheetDocument {
  readonly sheets: readonly Sheet[];
  readonly sourceType: "csv" | "xlsx";
  readonly created?: string | undefined;
  readonly modified?: string | undefined;
  readonly keywords?: string;
}

/** Cells that a program which opens the table again would take for a formula, and run. */
const FORMULA = /^\s*[=+\-@][^\d\s.,]/;

/** @throws EXTRACT_OOXML_TABLE_TOO_LARGE */
export async function sheetRows(
  request: ExtractRequest,
  document: SheetDocument,
): Promise<Extraction> {
  const { params, metadata: base } = request;
  const filled = document.sheets.flatMap(({ name, cells }, page) =>
    cells.length === 0 ? [] : [{ name, page, markdown: markdownTable(cells) }],
  );
  const common = {
    base,
    source: officeSource(base, {
      source_type: document.sourceType,
      source_name: base.source_metadata?.source_id ?? "",
      ...(document.created !== undefined && { date_created: document.created }),
      ...(document.modified !== undefined && { last_modified: document.modified }),
    }),
    location: NOWHERE,
  };
  const place = (page: number) => ({
    pageNumber: page,
    hierarchy: { page_count: document.sheets.length, page },
  });
  const rows: ExtractedRow[] = [];
  if (params.extractTables) {
    for (const { name, page, markdown } of filled) {
      const description = `Structured table extracted from ${document.sourceType.toUpperCase()} document.`;
      const table = { markdown, tableFormat: "markdown", caption: name, description } as const;
      rows.push(tableRow({ ...common, ...place(page), ...table }));
    }
  } else if (params.extractText) {
    const isPaged = params.textDepth !== "document";
    const texts = filled.map(({ name, page, markdown }) => ({
      page,
      text: name === "" ? markdown : `## ${name}\n\n${markdown}`,
    }));
    const whole = [{ page: -1, text: texts.map(({ text }) => text).join("\n\n") }];
    for (const { page, text } of isPaged ? texts : whole) {
      rows.push(
        await textRow({
          ...common,
          ...place(page),
          text,
          textType: isPaged ? "page" : "document",
          keywords: document.keywords ?? "",
          description: `Unstructured text from ${document.sourceType.toUpperCase()} document.`,
        }),
      );
    }
  }
  const notes = undoneNotes(params, document.sourceType.toUpperCase());
  return { rows, notes, remarks: formulaRemarks(document) };
}

function formulaRemarks({ sheets }: SheetDocument): string[] {
  let count = 0;
  for (const { cells } of sheets) {
    for (const row of cells) count += row.filter((cell) => FORMULA.test(cell)).length;
  }
  if (count === 0) return [];
  return [`${count} cells begin as formulas do, which matters where the table is opened again`];
}

/** Most cells of a document, the empty ones between them included. */
const CELLS_MAX = 5_000_000;

/** Counts the cells of a document while it is read. */
export class CellBudget {
  #left = CELLS_MAX;

  /** @throws EXTRACT_OOXML_TABLE_TOO_LARGE */
  take(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw ExtractErrors.TOO_MANY_CELLS({ limit: CELLS_MAX });
  }
}
