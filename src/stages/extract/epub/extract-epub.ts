/** Books (EPUB): chapters as Markdown, pictures as they are. Knows rows and nothing of jobs or stages. */
import { ImageBudget } from "../../image/image-budget.js";
import { imageSize } from "../../image/image-size.js";
import type { ExtractedRow, Extraction, ExtractRequest } from "../extractor.js";
import { htmlToMarkdown } from "../html/html-to-markdown.js";
import { parsePage } from "../html/parse-page.js";
import { NOWHERE, officeSource, pictureRow, textRow, undoneNotes } from "../ooxml/office-rows.js";
import { type Book, readEpub } from "./read-epub.js";
import { xhtmlToHtml } from "./xhtml-to-html.js";

/** Used when the operator set no limit. */
const CHAPTERS_MAX = 10_000;

/**
 * A row of text for each chapter, or one for the book at depth `document`; then the pictures. Tables are
 * part of the text, whether they are asked for or not.
 *
 * @throws the errors of `ExtractErrors`, EXTRACT_HTML_TOO_LARGE, STAGES_DOCUMENT_ENCRYPTED, …_TOO_LARGE
 */
export async function extractEpub(request: ExtractRequest): Promise<Extraction> {
  const { params, metadata: base } = request;
  const book = readEpub(request.content, request.limits?.maxPages ?? CHAPTERS_MAX);
  const page_count = book.chapters.length;
  const common = {
    base,
    source: officeSource(base, {
      source_type: "epub",
      source_name: base.source_metadata?.source_id ?? "",
      ...(book.title !== "" && { summary: book.title }),
      ...(book.created !== undefined && { date_created: book.created }),
      ...(book.modified !== undefined && { last_modified: book.modified }),
    }),
    location: NOWHERE,
  };
  const rows: ExtractedRow[] = [];
  if (params.extractText) {
    const isPaged = params.textDepth !== "document";
    const texts = book.chapters.map((part, page) => ({ page, text: chapterText(book, part) }));
    const whole = [
      {
        page: -1,
        text: texts
          .map(({ text }) => text)
          .filter((text) => text !== "")
          .join("\n\n"),
      },
    ];
    for (const { page, text } of isPaged ? texts : whole) {
      const row = await textRow({
        ...common,
        text,
        textType: isPaged ? "page" : "document",
        description: "Unstructured text from EPUB document.",
        keywords: book.keywords,
        pageNumber: page,
        hierarchy: { page_count, page },
      });
      rows.push(row);
    }
  }
  const notes = undoneNotes(params, "EPUB");
  if (params.extractImages) {
    const pictures = new ImageBudget();
    for (const part of book.pictures) {
      const bytes = book.read(part);
      if (bytes === undefined) continue;
      const content = Buffer.from(bytes).toString("base64");
      if (!pictures.take(content.length)) continue;
      const picture = { content, ...(imageSize(bytes) ?? { width: 0, height: 0 }) };
      const row = pictureRow({
        ...common,
        picture,
        description: "Image extracted from EPUB document.",
        pageNumber: -1,
        hierarchy: { page_count },
        location: [0, 0, 0, 0],
        structuredType: "unknown",
      });
      rows.push(row);
    }
    notes.push(...pictures.notes);
  }
  return { rows, notes };
}

/** A chapter that is listed and not there is an empty one. */
function chapterText(book: Book, part: string): string {
  const bytes = book.read(part);
  return bytes === undefined ? "" : htmlToMarkdown(parsePage(xhtmlToHtml(bytes)));
}
