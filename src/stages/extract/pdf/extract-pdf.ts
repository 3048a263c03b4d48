/**
 * The PDF extractor: text per page or per document, images, pages as images. Tables and charts are not
 * done here; a request for them leaves a note. Runs in a thread and knows nothing of jobs.
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
import { type PageImage, PageImages } from "./page-images.js";
import { parsePdfDate } from "./pdf-date.js";
import { openPdf, type PdfDocument } from "./pdfium.js";
import type { PdfPage } from "./pdfium-page.js";

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
    const images = new PageImages();
    const rows = await pageRows(request, document, images, limits.pageNumberBase);
    return { rows, notes: [...notes(request), ...images.notes] };
  } finally {
    document.close();
  }
}

/** Page by page its text and its images; the text of the whole document comes last. */
async function pageRows(
  request: ExtractRequest,
  document: PdfDocument,
  images: PageImages,
  pageNumberBase: number,
): Promise<ExtractedRow[]> {
  const { params } = request;
  const { pageCount } = document;
  const about: RowSource = {
    source: sourceMetadata(request, document),
    keywords: document.info("Keywords"),
    pageCount,
  };
  const rows: ExtractedRow[] = [];
  const texts: string[] = [];
  for (let index = 0; index < pageCount; index++) {
    const read = document.readPage(index, (page) => readPage(page, params, images));
    const number = index + pageNumberBase;
    if (params.extractText && params.textDepth === "page") {
      rows.push(await textRow(about, { text: read.text, textType: "page", page: number }));
    } else {
      texts.push(read.text);
    }
    rows.push(...read.images.map((image) => imageRow(about, image, { page: number })));
    rows.push(
      ...read.pageImages.map((image) => imageRow(about, image, { page: number, text: read.text })),
    );
  }
  if (params.extractText && params.textDepth !== "page") {
    rows.push(await textRow(about, { text: texts.join(" "), textType: "document", page: -1 }));
  }
  return rows;
}

function readPage(page: PdfPage, params: ExtractParams, images: PageImages) {
  return {
    text: params.extractText || params.extractPageAsImage ? page.text() : "",
    images: params.extractImages ? images.take(page, params.extractImagesMethod) : [],
    pageImages: params.extractPageAsImage ? images.takePage(page) : [],
  };
}

/** What all rows of a document have in common. */
interface RowSource {
  readonly source: SourceMetadata;
  readonly keywords: string;
  readonly pageCount: number;
}

interface TextOfRow {
  readonly text: string;
  readonly textType: "page" | "document";
  readonly page: number;
}

async function textRow(about: RowSource, given: TextOfRow): Promise<ExtractedRow> {
  const metadata = completeRowMetadata({
    content: given.text,
    source_metadata: about.source,
    content_metadata: {
      type: "text",
      description: CONTENT_DESCRIPTIONS.PDF_TEXT,
      page_number: given.page,
      hierarchy: { page_count: about.pageCount, page: given.page },
    },
    text_metadata: {
      text_type: given.textType,
      keywords: about.keywords,
      language: await detectLanguage(given.text),
      text_location: [-1, -1, -1, -1],
      text_location_max_dimensions: [-1, -1],
    },
  });
  return { documentType: "text", metadata };
}

/** @param place its page, and the page's text when it shows the whole page. */
function imageRow(
  about: RowSource,
  image: PageImage,
  { page, text }: { readonly page: number; readonly text?: string },
): ExtractedRow {
  const metadata = completeRowMetadata({
    content: image.content,
    source_metadata: about.source,
    content_metadata: {
      type: "image",
      description:
        text === undefined ? CONTENT_DESCRIPTIONS.PDF_IMAGE : CONTENT_DESCRIPTIONS.PDF_PAGE_IMAGE,
      page_number: page,
      hierarchy: { page_count: about.pageCount, page },
      ...(text !== undefined && { subtype: "page_image" }),
    },
    image_metadata: {
      image_type: "png",
      structured_image_type: "unknown",
      image_location: [...image.location],
      image_location_max_dimensions: [...image.maxDimensions],
      width: image.width,
      height: image.height,
      ...(text !== undefined && { text }),
    },
  });
  return { documentType: "image", metadata };
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
  ["extractTables", "tables"],
  ["extractCharts", "charts"],
  ["extractInfographics", "infographics"],
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
