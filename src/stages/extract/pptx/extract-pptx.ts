/**
 * Presentations: text and tables as Markdown, pictures as they are. Knows rows and nothing of jobs, threads or stages.
 * Source: spec pipeline-and-stages.md 5.4.
 */
import { isoNow } from "../../../core/index.js";
import type { NearbyObjects } from "../../../message/index.js";
import type { TextDepth } from "../extract-params.js";
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
import { type Presentation, readPptx, type SlideShape } from "./read-pptx.js";
import { boxOf } from "./slide-shapes.js";
import { slidePieces, type TextPiece } from "./text-pieces.js";

const TEXT_DESCRIPTION = "Unstructured text from PPTX presentation.";
const TABLE_DESCRIPTION = "Structured table extracted from PPTX presentation.";
const PICTURE_DESCRIPTION = "Image extracted from PPTX presentation.";
/** Used when the operator set no limit; a talk has hundreds at most. */
const SLIDES_MAX = 10_000;

/** What all rows of one presentation share. */
interface Context extends Pick<OfficeRow, "base" | "source"> {
  readonly presentation: Presentation;
  readonly depth: TextDepth;
}

/**
 * Rows in order: slide by slide, each slide's tables before its text; the row of depth `document`
 * comes after all slides, and pictures last. Depths `block`, `line` and `span` make a row per shape, paragraph and run.
 *
 * @throws the errors of `ExtractErrors`, STAGES_DOCUMENT_TOO_LARGE
 */
export async function extractPptx(request: ExtractRequest): Promise<Extraction> {
  const { params } = request;
  const presentation = readPptx(request.content, request.limits?.maxPages ?? SLIDES_MAX);
  const context = contextOf(request, presentation);
  const rows: ExtractedRow[] = [];
  const whole: string[] = [];
  for (const [page, { shapes }] of presentation.slides.entries()) {
    if (params.extractTables) rows.push(...tableRows(page, context));
    if (!params.extractText) continue;
    for (const piece of slidePieces(shapes, page, context.depth)) {
      if (context.depth === "document") whole.push(piece.text);
      else rows.push(await pieceRow(piece, context));
    }
  }
  if (whole.length > 0) {
    const piece = { text: whole.join(""), page: -1, block: -1, line: -1, span: -1 };
    rows.push(await pieceRow({ ...piece, frame: undefined }, context));
  }
  const notes = undoneNotes(params, "PPTX");
  if (params.extractImages) {
    for (const page of presentation.slides.keys()) rows.push(...pictureRows(page, context));
    notes.push(...presentation.pictures.notes);
  }
  return { rows, notes };
}

function contextOf({ metadata, params }: ExtractRequest, presentation: Presentation): Context {
  const { created, modified } = presentation.properties;
  const now = isoNow();
  const source = officeSource(metadata, {
    source_type: "pptx",
    source_name: metadata.source_metadata?.source_id ?? "",
    date_created: created ?? now,
    last_modified: modified ?? now,
  });
  return { base: metadata, source, presentation, depth: params.textDepth };
}

function pieceRow(piece: TextPiece, context: Context): Promise<ExtractedRow> {
  const { presentation, depth, base, source } = context;
  const { text, page, block, line, span } = piece;
  const frame = depth === "page" ? presentation.slideFrame : piece.frame;
  return textRow({
    base,
    source,
    text,
    textType: depth,
    description: TEXT_DESCRIPTION,
    keywords: presentation.properties.keywords,
    pageNumber: page,
    hierarchy: { page_count: presentation.slides.length, page, block, line, span },
    location: depth === "document" ? NOWHERE : boxOf(frame),
  });
}

function tableRows(page: number, { presentation, base, source }: Context): ExtractedRow[] {
  const shapes = presentation.slides[page]?.shapes ?? [];
  return shapes.flatMap(({ cells, frame }) => {
    if (cells === undefined) return [];
    const row = tableRow({
      base,
      source,
      description: TABLE_DESCRIPTION,
      pageNumber: page,
      hierarchy: { page_count: presentation.slides.length, page },
      location: boxOf(frame),
      markdown: markdownTable(cells),
      tableFormat: "markdown",
    });
    return [row];
  });
}

/** Beside each picture stand the texts of its slide. */
function pictureRows(page: number, { presentation, base, source }: Context): ExtractedRow[] {
  const slide = presentation.slides[page];
  if (slide === undefined || !slide.shapes.some(({ pictureId }) => pictureId !== undefined))
    return [];
  const nearby_objects = { text: textsOf(slide.shapes, page) };
  return slide.shapes.flatMap(({ pictureId }) => {
    if (pictureId === undefined) return [];
    const picture = presentation.pictures.take(slide.relationships, pictureId);
    if (picture === undefined) return [];
    const row = pictureRow({
      base,
      source,
      picture,
      description: PICTURE_DESCRIPTION,
      pageNumber: page,
      hierarchy: { page_count: presentation.slides.length, page, nearby_objects },
      location: [0, 0, 0, 0],
      structuredType: "unknown",
    });
    return [row];
  });
}

function textsOf(shapes: readonly SlideShape[], page: number): NearbyObjects {
  const pieces = slidePieces(shapes, page, "block").filter(({ text }) => text.trim() !== "");
  return {
    content: pieces.map(({ text }) => text),
    bbox: pieces.map(({ frame }) => boxOf(frame)),
    type: pieces.map(() => "text"),
  };
}
