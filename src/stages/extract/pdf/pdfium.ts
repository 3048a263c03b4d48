/**
 * The few calls of PDFium (WebAssembly) that text extraction needs, with every handle freed.
 *
 * The package's own document classes are passed over: its pages can only be closed by rendering
 * them, and its text lacks the bounds that upstream uses. Only this file knows pointers. It knows
 * nothing of rows. It must run in a thread: one document at a time, and the calls do not yield.
 */
import { PDFiumModule } from "@hyzyla/pdfium";
import { MiB, MillraceError, messageOf } from "../../../core/index.js";
import { StagesErrors } from "../../errors.js";

type Pdfium = Awaited<ReturnType<typeof PDFiumModule>> & {
  readonly wasmExports: { readonly memory: Memory };
  _FPDF_GetPageBoundingBox(page: number, rect: number): number;
  _FPDFText_GetBoundedText(...args: [...text: number[]]): number;
  _FPDF_GetMetaText(document: number, tag: number, buffer: number, bytes: number): number;
};

/** A WebAssembly memory, as far as it is used here. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** An open document. Close it before another is opened. */
export interface PdfDocument {
  readonly pageCount: number;
  /**
   * The text inside the page's box, lines ended by CRLF, control characters kept.
   *
   * @param index 0-based. @throws STAGES_DOCUMENT_UNREADABLE when the page cannot be loaded.
   * Source: spec pipeline-and-stages.md 5.2: FPDFText_GetBoundedText over the whole page.
   */
  pageText(index: number): string;
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

/** WebAssembly memory never shrinks; an instance that grew above this is not used again. */
const KEPT_BYTES_MAX = 256 * MiB;
const INFO_LENGTH_MAX = 65_536;
const PAGE_BYTES = 65_536;

/**
 * One loaded PDFium with its memory. After a trap its state is unknown: it is never entered again.
 */
interface Engine {
  readonly pdfium: Pdfium;
  alive: boolean;
  maxMemoryMb: number;
  /** The size that its memory was to grow to when it was refused, else 0. */
  refusedBytes: number;
}

let loaded: Promise<Engine> | undefined;

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
  loaded ??= loadEngine();
  const engine = await loaded;
  engine.maxMemoryMb = maxMemoryMb;
  engine.refusedBytes = 0;
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

async function loadEngine(): Promise<Engine> {
  const quiet = () => {};
  const options = { print: quiet, printErr: quiet };
  const pdfium = (await PDFiumModule(options as object)) as Pdfium;
  pdfium._FPDF_InitLibraryWithConfig({
    version: 2,
    m_pIsolate: null,
    m_pUserFontPaths: null,
    m_v8EmbedderSlot: 0,
    m_pPlatform: null,
  });
  const engine = { pdfium, alive: true, maxMemoryMb: 0, refusedBytes: 0 };
  limitMemory(engine);
  return engine;
}

/** Memory only grows by this call, so refusing it here bounds it; PDFium then stops with a trap. */
function limitMemory(engine: Engine): void {
  const { memory } = engine.pdfium.wasmExports;
  const grow = memory.grow.bind(memory);
  Object.defineProperty(memory, "grow", {
    value: (pages: number) => {
      const wanted = memory.buffer.byteLength + pages * PAGE_BYTES;
      if (wanted > engine.maxMemoryMb * MiB) {
        engine.refusedBytes = wanted;
        throw new RangeError(`${wanted} bytes are too many`);
      }
      return grow(pages);
    },
  });
}

function documentOf(engine: Engine, handle: number, bytes: number): PdfDocument {
  const { pdfium } = engine;
  let open = true;
  return {
    pageCount: Math.max(0, pdfium._FPDF_GetPageCount(handle)),
    pageText: (index) =>
      guarded(engine, `page ${index + 1}`, () => pageText(engine, handle, index)),
    info: (entry) => guarded(engine, `the entry ${entry}`, () => info(engine, handle, entry)),
    close() {
      if (!open || !engine.alive) return;
      open = false;
      guarded(engine, "the document's end", () => pdfium._FPDF_CloseDocument(handle));
      free(engine, bytes);
      if (pdfium.HEAPU8.length > KEPT_BYTES_MAX) abandon(engine);
    },
  };
}

function pageText(engine: Engine, document: number, index: number): string {
  const { pdfium } = engine;
  const page = pdfium._FPDF_LoadPage(document, index);
  if (page === 0) throw pageError(index, "PDFium: Failed to load page");
  try {
    const text = guarded(engine, `page ${index + 1}`, () => pdfium._FPDFText_LoadPage(page));
    if (text === 0) throw pageError(index, "PDFium: Failed to load text page");
    try {
      return boundedText(engine, page, text);
    } finally {
      if (engine.alive) pdfium._FPDFText_ClosePage(text);
    }
  } finally {
    if (engine.alive) pdfium._FPDF_ClosePage(page);
  }
}

function boundedText(engine: Engine, page: number, text: number): string {
  const { pdfium } = engine;
  const box = allocate(engine, 16);
  let buffer = 0;
  try {
    pdfium._FPDF_GetPageBoundingBox(page, box);
    const [left = 0, top = 0, right = 0, bottom = 0] = new Float32Array(
      pdfium.HEAPU8.slice(box, box + 16).buffer,
    );
    const read = (to: number, length: number) =>
      guarded(engine, "a page's text", () =>
        pdfium._FPDFText_GetBoundedText(text, left, top, right, bottom, to, length),
      );
    const length = read(0, 0);
    if (length <= 0) return "";
    buffer = allocate(engine, length * 2);
    return utf16(engine, buffer, Math.min(length, read(buffer, length)));
  } finally {
    free(engine, box);
    free(engine, buffer);
  }
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
    return utf16(engine, buffer, Math.min(byteCount / 2 - 1, INFO_LENGTH_MAX));
  } finally {
    free(engine, tag);
    free(engine, buffer);
  }
}

/** As upstream decodes: half surrogate pairs are left out, a byte order mark is a character. */
function utf16({ pdfium }: Engine, start: number, length: number): string {
  // The view is made anew each time: growing memory replaces the old one.
  const view = Buffer.from(pdfium.HEAPU8.buffer, start, Math.floor(length) * 2);
  return view.toString("utf16le").replaceAll(/\p{Surrogate}/gu, "");
}

function allocate(engine: Engine, byteCount: number): number {
  const start = guarded(engine, "memory", () => engine.pdfium.wasmExports.malloc(byteCount));
  if (start !== 0) return start;
  if (engine.refusedBytes > 0) throw tooLarge(engine);
  throw unreadable(`PDFium has no memory for ${byteCount} more bytes`);
}

function free(engine: Engine, start: number): void {
  if (start !== 0 && engine.alive) engine.pdfium.wasmExports.free(start);
}

function abandon(engine: Engine): void {
  engine.alive = false;
  loaded = undefined;
}

/**
 * Runs a call into PDFium. Whatever is thrown that is not ours is a trap: the engine is given up.
 */
function guarded<T>(engine: Engine, what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    abandon(engine);
    if (engine.refusedBytes > 0) throw tooLarge(engine);
    throw unreadable(`PDFium gave up on ${what} (${messageOf(error)})`, error);
  }
}

function tooLarge({ maxMemoryMb, refusedBytes }: Engine): Error {
  return StagesErrors.DOCUMENT_TOO_LARGE({
    documentType: "pdf",
    what: "MB of data once opened",
    found: Math.ceil(refusedBytes / MiB),
    limit: maxMemoryMb,
    option: "maxPdfMemoryMb",
  });
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

function pageError(index: number, reason: string): Error {
  return unreadable(`page ${index + 1} is broken (${reason})`);
}

function unreadable(reason: string, cause?: unknown): Error {
  return StagesErrors.DOCUMENT_UNREADABLE({ documentType: "pdf", reason }, cause);
}
