/**
 * The few calls of PDFium (WebAssembly) that extraction needs, with every handle freed.
 *
 * The package's own document classes are passed over: its pages can only be closed by rendering
 * them, and its text lacks the bounds that upstream uses. Knows nothing of rows.
 */
import { StagesErrors } from "../../errors.js";
import {
  allocate,
  type Engine,
  free,
  guarded,
  readUtf16,
  releaseEngine,
  takeEngine,
  unreadable,
} from "./pdfium-engine.js";
import { openPage, type PdfPage } from "./pdfium-page.js";

/** An open document. Close it before another is opened. */
export interface PdfDocument {
  readonly pageCount: number;
  /**
   * What `read` makes of a page, which is closed after it.
   *
   * @param index 0-based. @throws STAGES_DOCUMENT_UNREADABLE when the page cannot be loaded.
   */
  readPage<T>(index: number, read: (page: PdfPage) => T): T;
  /** An entry of the document information, `""` when it is absent; cut at 64 Ki characters. */
  info(entry: "Keywords" | "CreationDate" | "ModDate"): string;
  close(): void;
}

/** What PDFium's error numbers mean, in the words that upstream's library puts into its errors. */
const LOAD_ERRORS: ReadonlyMap<number, string> = new Map([
  [1, "Unknown error"],
  [2, "File access error"],
  [3, "Data format error"],
  [4, "Incorrect password error"],
  [5, "Unsupported security scheme error"],
  [6, "Page not found or content error"],
]);
const PASSWORD_ERROR = 4;
const SECURITY_ERROR = 5;
const INFO_LENGTH_MAX = 65_536;

/**
 * Opens a document from its bytes, which are copied.
 *
 * @param maxMemoryMb the most memory that PDFium may take, the document's bytes included.
 * @throws STAGES_DOCUMENT_EMPTY, …_ENCRYPTED, …_UNREADABLE, …_TOO_LARGE.
 */
export async function openPdf(content: Uint8Array, maxMemoryMb: number): Promise<PdfDocument> {
  if (content.length === 0) {
    throw StagesErrors.DOCUMENT_EMPTY({ documentType: "pdf", reason: "it has no bytes" });
  }
  const engine = await takeEngine(maxMemoryMb);
  const { pdfium } = engine;
  const bytes = allocate(engine, content.length);
  let handle = 0;
  try {
    pdfium.HEAPU8.set(content, bytes);
    handle = guarded(engine, "the document", () =>
      pdfium._FPDF_LoadMemDocument(bytes, content.length, 0),
    );
    if (handle === 0) throw loadError(pdfium._FPDF_GetLastError(), content);
    return documentOf(engine, handle, bytes);
  } finally {
    if (handle === 0) free(engine, bytes);
  }
}

function documentOf(engine: Engine, handle: number, bytes: number): PdfDocument {
  const { pdfium } = engine;
  let open = true;
  return {
    pageCount: Math.max(0, pdfium._FPDF_GetPageCount(handle)),
    readPage(index, read) {
      const page = openPage(engine, handle, index);
      try {
        return read(page);
      } finally {
        page.close();
      }
    },
    info: (entry) => guarded(engine, `the entry ${entry}`, () => info(engine, handle, entry)),
    close() {
      if (!open || !engine.alive) return;
      open = false;
      guarded(engine, "the document's end", () => pdfium._FPDF_CloseDocument(handle));
      free(engine, bytes);
      releaseEngine(engine);
    },
  };
}

function info(engine: Engine, document: number, entry: string): string {
  const { pdfium } = engine;
  const tag = allocate(engine, entry.length + 1);
  let buffer = 0;
  try {
    pdfium.HEAPU8.set(Buffer.from(`${entry}\0`, "latin1"), tag);
    const byteCount = pdfium._FPDF_GetMetaText(document, tag, 0, 0);
    // The count includes a closing NUL of two bytes.
    if (byteCount <= 2) return "";
    buffer = allocate(engine, byteCount);
    pdfium._FPDF_GetMetaText(document, tag, buffer, byteCount);
    return readUtf16(engine, buffer, Math.min(byteCount / 2 - 1, INFO_LENGTH_MAX));
  } finally {
    free(engine, tag);
    free(engine, buffer);
  }
}

function loadError(code: number, content: Uint8Array): Error {
  const said = `PDFium: ${LOAD_ERRORS.get(code) ?? `error ${code}`}`;
  if (code === PASSWORD_ERROR || code === SECURITY_ERROR) {
    return StagesErrors.DOCUMENT_ENCRYPTED({ documentType: "pdf", reason: said });
  }
  const start = Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, 1_024));
  const cause = start.includes("%PDF-")
    ? "it is broken or cut short"
    : 'there is no "%PDF-" in its first 1,024 bytes, so it is no PDF';
  return unreadable(`${cause} (${said})`);
}
