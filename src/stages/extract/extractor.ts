/**
 * What an extractor is: the bytes of one document in, rows out.
 *
 * It runs in a worker thread and knows nothing of jobs, tasks, stages or the pool. All it takes and
 * gives is plain data, because both cross the thread's border. Each document type has a folder with
 * one extractor, exported as `extractPdf` from `pdf/extract-pdf.ts`, `extractDocx` from
 * `docx/extract-docx.ts` and so on; `worker-entry.ts` loads it when the first such document comes.
 */
import type { RowMetadata } from "../../message/index.js";
import type { ExtractConfig } from "./extract-options.js";
import type { ExtractParams } from "./extract-params.js";
import type { PageDetector } from "./page-detector.js";

/** The part of the operator's options that an extractor needs. */
export type ExtractLimits = Omit<ExtractConfig, "strictCapabilities">;

export interface ExtractRequest {
  /** The document, base64 decoded. The extractor owns it and may hand it on. */
  readonly content: Uint8Array;
  readonly documentType: string;
  /** The method that the task names, for example `pdfium`; undefined when it names none. */
  readonly method?: string;
  readonly params: ExtractParams;
  /**
   * The row's metadata as the injector made it, in the complete F1 form, with `source_metadata`.
   * Its `content` is `""`: the document does not travel twice. Copy, don't change.
   */
  readonly metadata: RowMetadata;
  /** Without them the defaults of `ExtractOptions` hold. */
  readonly limits?: ExtractLimits;
  /** Where models for pages are configured. */
  readonly detector?: PageDetector;
}

/** A new row; the stage gives it its uuid. */
export interface ExtractedRow {
  readonly documentType: string;
  readonly metadata: RowMetadata;
}

export interface Extraction {
  /** In the order in which they stand in the result. May be empty. */
  readonly rows: ExtractedRow[];
  /** What was asked for and is not done here, one sentence each; they become annotations. */
  readonly notes: readonly string[];
  /** What else a reader of the rows should know, one sentence each; they become annotations, too. */
  readonly remarks?: readonly string[];
}

/**
 * Reads one document.
 *
 * @throws STAGES_DOCUMENT_UNREADABLE, …_ENCRYPTED, …_EMPTY, …_TOO_LARGE, and for their formats
 *   EXTRACT_OOXML_* and EXTRACT_HTML_*: all with the cause in the text.
 */
export type Extractor = (request: ExtractRequest) => Extraction | Promise<Extraction>;

export type { ExtractParams } from "./extract-params.js";
