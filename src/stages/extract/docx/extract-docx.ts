/**
 * Word documents: text and tables as Markdown, pictures as they are. Knows rows and nothing of jobs, threads or stages.
 * Source: spec pipeline-and-stages.md 5.3.
 */
import type { ExtractedRow, Extraction, ExtractRequest } from "../extractor.js";
import { markdownTable } from "../ooxml/markdown/markdown-table.js";
import {
  NOWHERE,
  type OfficeRow,
  officeSource,
  pictureRow,
  tableRow,
  textRow,
  undoneNotes,
} from "../ooxml/office-rows.js";
import { type DocxContent, type DocxPicture, readDocx } from "./read-docx.js";

const TEXT_DESCRIPTION = "Unstructured text from DOCX document.";
const PICTURE_DESCRIPTION = "Image extracted from DOCX document.";
/** Upstream says PDF here, and clients compare the text. */
const TABLE_DESCRIPTION = "Structured table extracted from PDF document.";

/**
 * Rows in order: tables, text, pictures. Depth `block` makes a row per paragraph, anything else one row.
 *
 * @throws the errors of `ExtractErrors`
 */
export async function extractDocx(request: ExtractRequest): Promise<Extraction> {
  const { params } = request;
  const content = readDocx(request.content);
  const { created, modified } = content.properties;
  const source = officeSource(request.metadata, {
    source_type: "docx",
    ...(created === undefined ? {} : { date_created: created }),
    ...(modified === undefined ? {} : { last_modified: modified }),
  });
  const shared = { base: request.metadata, source };
  const rows: ExtractedRow[] = [];
  if (params.extractTables || params.extractCharts) rows.push(...tableRows(content, shared));
  if (params.extractText) {
    const { textDepth } = params;
    const places = textDepth === "block" ? blockPlaces(content) : wholePlaces(content, textDepth);
    for (const { text, block, page, textType } of places) {
      const row = {
        ...shared,
        text,
        textType,
        description: TEXT_DESCRIPTION,
        keywords: content.properties.keywords,
        pageNumber: page,
        hierarchy: { page_count: 1, page, block },
        location: NOWHERE,
      };
      rows.push(await textRow(row));
    }
  }
  const notes = undoneNotes(params, "DOCX");
  if (params.extractImages) {
    const pictures = content.pictures();
    rows.push(...pictures.found.map((picture) => docxPictureRow(picture, shared)));
    notes.push(...pictures.notes);
  }
  return { rows, notes };
}

type Shared = Pick<OfficeRow, "base" | "source">;

function tableRows(content: DocxContent, shared: Shared): ExtractedRow[] {
  return content.blocks.flatMap((block) => {
    if (block.kind !== "table") return [];
    const row = tableRow({
      ...shared,
      description: TABLE_DESCRIPTION,
      pageNumber: 0,
      hierarchy: { page_count: 1, page: 0 },
      location: [0, 0, 0, 0],
      markdown: markdownTable(block.cells),
      tableFormat: "image",
    });
    return [row];
  });
}

function docxPictureRow({ block, ...picture }: DocxPicture, shared: Shared): ExtractedRow {
  return pictureRow({
    ...shared,
    picture,
    description: PICTURE_DESCRIPTION,
    pageNumber: 0,
    hierarchy: { page_count: 1, page: 0, block },
    location: [0, 0, 0, 0],
    structuredType: "none",
  });
}

interface TextPlace {
  readonly text: string;
  readonly block: number;
  readonly page: number;
  readonly textType: "block" | "page" | "document";
}

function blockPlaces(content: DocxContent): TextPlace[] {
  return content.blocks.flatMap((block) =>
    block.kind === "paragraph"
      ? [{ text: block.text, block: block.index, page: -1, textType: "block" as const }]
      : [],
  );
}

/** The document counts as one page, number 0. Without any paragraph there is no row. */
function wholePlaces(content: DocxContent, depth: string): TextPlace[] {
  const texts = content.blocks.flatMap((block) => (block.kind === "paragraph" ? [block.text] : []));
  if (texts.length === 0) return [];
  const text = texts.join(" ");
  return depth === "page"
    ? [{ text, block: -1, page: 0, textType: "page" }]
    : [{ text, block: -1, page: -1, textType: "document" }];
}
