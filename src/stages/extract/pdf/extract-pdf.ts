/**
 * The PDF extractor: text per page or per document. Images, tables and charts are not done yet; a
 * request for them leaves a note. Runs in a thread and knows nothing of jobs.
 * Source: spec pipeline-and-stages.md 5.2, job-and-control-message.md F.
 */
import { isoNow, parseOptions } from "../../../core/index.js";
import {
  CONTENT_DESCRIPTIONS,
  completeRowMetadata,
  type SourceMetadata,
} from "../../../message/index.js";
import { StagesErrors } from "../../errors.js";
import { detectLanguage } from "../../language.js";
import { ExtractOptions } from "../extract-options.js";
import type { ExtractParams } from "../extract-params.js";
import type { ExtractedRow, Extraction, ExtractRequest } from "../extractor.js";
import { parsePdfDate } from "./pdf-date.js";
import { openPdf, type PdfDocument } from "./pdfium.js";

/**
 * Rows of a PDF: one per page, empty pages too, or one for the document.
 *
 * @throws STAGES_DOCUMENT_EMPTY for no bytes or no page, …_ENCRYPTED, …_UNREADABLE also when a
 *   single page is (a result that lacks a page in silence would be worse), …_TOO_LARGE.
 */
export async function extractPdf(request: ExtractRequest): Promise<Extraction> {
  const limits = request.limits ?? parseOptions(ExtractOptions, {}, "ExtractOptions");
  const document = await openPdf(request.content, limits.maxPdfMemoryMb);
  try {
    const { pageCount } = document;
    if (pageCount === 0) {
      throw StagesErrors.DOCUMENT_EMPTY({ documentType: "pdf", reason: "it has no page" });
    }
    if (pageCount > limits.maxPages) {
      throw StagesErrors.DOCUMENT_TOO_LARGE({
        documentType: "pdf",
        what: "pages",
        found: pageCount,
        limit: limits.maxPages,
        option: "maxPages",
      });
    }
    const rows = request.params.extractText
      ? await textRows(request, document, limits.pageNumberBase)
      : [];
    return { rows, notes: notes(request) };
  } finally {
    document.close();
  }
}

async function textRows(
  request: ExtractRequest,
  document: PdfDocument,
  pageNumberBase: number,
): Promise<ExtractedRow[]> {
  const { pageCount } = document;
  const about = {
    source: sourceMetadata(request, document),
    keywords: document.info("Keywords"),
    pageCount,
  };
  const texts = Array.from({ length: pageCount }, (_, index) => document.pageText(index));
  if (request.params.textDepth !== "page") {
    return [await textRow({ ...about, text: texts.join(" "), textType: "document", page: -1 })];
  }
  const rows: ExtractedRow[] = [];
  for (const [index, text] of texts.entries()) {
    rows.push(await textRow({ ...about, text, textType: "page", page: index + pageNumberBase }));
  }
  return rows;
}

interface TextOfRow {
  readonly text: string;
  readonly textType: "page" | "document";
  readonly page: number;
  readonly pageCount: number;
  readonly source: SourceMetadata;
  readonly keywords: string;
}

async function textRow(given: TextOfRow): Promise<ExtractedRow> {
  const metadata = completeRowMetadata({
    content: given.text,
    source_metadata: given.source,
    content_metadata: {
      type: "text",
      description: CONTENT_DESCRIPTIONS.PDF_TEXT,
      page_number: given.page,
      hierarchy: { page_count: given.pageCount, page: given.page },
    },
    text_metadata: {
      text_type: given.textType,
      keywords: given.keywords,
      language: await detectLanguage(given.text),
      text_location: [-1, -1, -1, -1],
      text_location_max_dimensions: [-1, -1],
    },
  });
  return { documentType: "text", metadata };
}

/** The injector's, with what the file says of itself. */
function sourceMetadata({ metadata }: ExtractRequest, document: PdfDocument): SourceMetadata {
  const given = completeRowMetadata(metadata).source_metadata;
  const now = isoNow().slice(0, -1);
  const sourceId = given?.source_id ?? "";
  return {
    ...(given as SourceMetadata),
    source_id: sourceId,
    source_name: sourceId,
    source_type: "PDF",
    date_created: parsePdfDate(document.info("CreationDate")) ?? now,
    last_modified: parsePdfDate(document.info("ModDate")) ?? now,
  };
}

/** What was asked for and stays undone, by parameter. */
const NOT_DONE: readonly (readonly [keyof ExtractParams, string])[] = [
  ["extractImages", "images"],
  ["extractTables", "tables"],
  ["extractCharts", "charts"],
  ["extractInfographics", "infographics"],
  ["extractPageAsImage", "page images"],
];

function notes({ params, method }: ExtractRequest): string[] {
  const found: string[] = [];
  const missing = NOT_DONE.filter(([param]) => params[param] === true).map(([, name]) => name);
  if (missing.length > 0) {
    found.push(`skipped: ${missing.join(", ")} of PDF documents are not extracted here`);
  }
  if (method !== undefined && method !== "pdfium") {
    found.push(`extraction method "${method.slice(0, 50)}" is not available, pdfium was used`);
  }
  return found;
}
