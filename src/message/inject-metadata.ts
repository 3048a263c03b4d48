/**
 * The first metadata of a document, before any stage has looked into it: what it is called, what
 * kind of content it has. The stage `metadata-injector` and the building of results share it.
 */
import { completeRowMetadata } from "./complete-row-metadata.js";
import { type ContentType, type DocumentType, normaliseDocumentType } from "./enums.js";
import { MessageErrors } from "./errors.js";
import type { Row } from "./row-metadata.js";

const CONTENT_TYPE_OF: ReadonlyMap<string, ContentType> = new Map<DocumentType, ContentType>([
  ["bmp", "image"],
  ["jpeg", "image"],
  ["png", "image"],
  ["svg", "image"],
  ["tiff", "image"],
  ["docx", "structured"],
  ["pdf", "structured"],
  ["pptx", "structured"],
  ["csv", "structured"],
  ["xlsx", "structured"],
  ["epub", "text"],
  ["eml", "text"],
  ["html", "text"],
  ["text", "text"],
  ["mp3", "audio"],
  ["wav", "audio"],
]);

/**
 * The row with metadata: itself when it has metadata with a text `content` and a type of content,
 * else a new row with a fresh set. Pure but for the time.
 *
 * @throws MESSAGE_DOCUMENT_TYPE_UNSUPPORTED
 */
export function injectMetadata(row: Row): Row {
  if (hasMetadata(row)) return row;
  const documentType = normaliseDocumentType(row.documentType);
  const type = CONTENT_TYPE_OF.get(documentType);
  if (type === undefined) {
    throw MessageErrors.DOCUMENT_TYPE_UNSUPPORTED({
      documentType: row.documentType,
      supported: [...CONTENT_TYPE_OF.keys()],
    });
  }
  const metadata = completeRowMetadata({
    content: row.content,
    content_metadata: { type },
    source_metadata: {
      source_name: row.sourceName ?? "",
      source_id: row.sourceId ?? "",
      source_type: documentType,
    },
    // The language is not looked at here: that is work for a stage which has the text anyway.
    text_metadata: type === "text" ? { text_type: "document", language: "unknown" } : null,
  });
  return { ...row, documentType, metadata };
}

function hasMetadata(row: Row): boolean {
  const { metadata } = row;
  return typeof metadata === "object" && metadata !== null && typeof metadata.content === "string";
}
