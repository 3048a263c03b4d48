/**
 * The closed lists of values that jobs and results use, as nv-ingest spells them. Nothing but tables
 * and the two questions that everyone asks of them.
 */

export const TASK_TYPES = [
  "audio_data_extract",
  "caption",
  "chart_data_extract",
  "dedup",
  "embed",
  "extract",
  "filter",
  "infographic_data_extract",
  "ocr_data_extract",
  "split",
  "store",
  "store_embedding",
  "table_data_extract",
  "udf",
  "vdb_upload",
] as const;
export type TaskType = (typeof TASK_TYPES)[number];

export const DOCUMENT_TYPES = [
  "bmp",
  "docx",
  "html",
  "jpeg",
  "pdf",
  "png",
  "pptx",
  "svg",
  "tiff",
  "text",
  "mp3",
  "wav",
  "mp4",
  "mov",
  "avi",
  "mkv",
  "unknown",
  // Ours; nv-ingest has no stage for them.
  "csv",
  "xlsx",
  "epub",
  "eml",
] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

/** What else clients write where a document type is meant, mostly file extensions. */
export const DOCUMENT_TYPE_ALIASES = {
  jpg: "jpeg",
  tif: "tiff",
  htm: "html",
  txt: "text",
  md: "text",
  json: "text",
  sh: "text",
  tsv: "csv",
  xlsm: "xlsx",
} as const satisfies Record<string, DocumentType>;

export const CONTENT_TYPES = [
  "audio",
  "chart",
  "embedding",
  "image",
  "infographic",
  "info_message",
  "none",
  "page_image",
  "structured",
  "table",
  "text",
  "unknown",
  "video",
] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const TEXT_TYPES = [
  "block",
  "body",
  "document",
  "header",
  "line",
  "nearby_block",
  "other",
  "page",
  "span",
] as const;
export type TextType = (typeof TEXT_TYPES)[number];

export const TABLE_FORMATS = [
  "html",
  "image",
  "latex",
  "markdown",
  "pseudo_markdown",
  "simple",
] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

export const ACCESS_LEVELS = [-1, 1, 2, 3] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

// biome-ignore format: a table of codes is read as a block
export const LANGUAGES = [
  "af", "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr",
  "gu", "he", "hi", "hr", "hu", "id", "it", "ja", "kn", "ko", "lt", "lv", "mk", "ml", "mr", "ne",
  "nl", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "so", "sq", "sv", "sw", "ta", "te", "th",
  "tl", "tr", "uk", "ur", "vi", "zh-cn", "zh-tw", "unknown",
] as const;
export type Language = (typeof LANGUAGES)[number];

/** `content_metadata.description`, by document and kind of content. */
export const CONTENT_DESCRIPTIONS = {
  PDF_TEXT: "Unstructured text from PDF document.",
  PDF_IMAGE: "Image extracted from PDF document.",
  PDF_TABLE: "Structured table extracted from PDF document.",
  PDF_CHART: "Structured chart extracted from PDF document.",
  PDF_INFOGRAPHIC: "Structured infographic extracted from PDF document.",
  PDF_PAGE_IMAGE: "Full-page image rendered from a PDF document.",
  DOCX_TEXT: "Unstructured text from DOCX document.",
  DOCX_IMAGE: "Image extracted from DOCX document.",
  DOCX_TABLE: "Structured table extracted from DOCX document.",
  PPTX_TEXT: "Unstructured text from PPTX presentation.",
  PPTX_IMAGE: "Image extracted from PPTX presentation.",
  PPTX_TABLE: "Structured table extracted from PPTX presentation.",
} as const;

export const QUEUE_HINTS = ["default", "immediate", "micro", "small", "medium", "large"] as const;

/** Phases of the pipeline that a `udf` task may name by number (1 to 5). */
export const PIPELINE_PHASES = {
  PRE_PROCESSING: 0,
  EXTRACTION: 1,
  POST_PROCESSING: 2,
  MUTATION: 3,
  TRANSFORM: 4,
  RESPONSE: 5,
  TELEMETRY: 6,
  DRAIN: 7,
} as const;

const ALIASES: ReadonlyMap<string, string> = new Map(Object.entries(DOCUMENT_TYPE_ALIASES));
const KNOWN_DOCUMENT_TYPES: ReadonlySet<string> = new Set(DOCUMENT_TYPES);

/** The type in lower case, with aliases such as `jpg` replaced; unknown types come back as given. */
export function normaliseDocumentType(type: string): string {
  const lower = type.toLowerCase();
  return ALIASES.get(lower) ?? lower;
}

export function isDocumentType(type: string): type is DocumentType {
  return KNOWN_DOCUMENT_TYPES.has(type);
}
