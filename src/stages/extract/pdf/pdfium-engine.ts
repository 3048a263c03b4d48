/**
 * One loaded PDFium (WebAssembly) with its memory: loading, allocation, traps. Only this folder's
 * `pdfium-*` files know pointers. It must run in a thread: calls do not yield.
 */
import { PDFiumModule } from "@hyzyla/pdfium";
import { MiB, MillraceError, messageOf } from "../../../core/index.js";
import { StagesErrors } from "../../errors.js";

type Call = (...args: number[]) => number;

type Pdfium = Awaited<ReturnType<typeof PDFiumModule>> & {
  readonly wasmExports: { readonly memory: Memory };
} & Record<
    | "_FPDF_GetPageBoundingBox"
    | "_FPDFText_GetBoundedText"
    | "_FPDF_GetMetaText"
    | "_FPDF_GetPageWidthF"
    | "_FPDF_GetPageHeightF"
    | "_FPDFPage_GetRotation"
    | "_FPDFPage_CountObjects"
    | "_FPDFPage_GetObject"
    | "_FPDFPageObj_GetType"
    | "_FPDFPageObj_GetBounds"
    | "_FPDFFormObj_CountObjects"
    | "_FPDFFormObj_GetObject"
    | "_FPDFImageObj_GetImagePixelSize"
    | "_FPDFImageObj_GetBitmap"
    | "_FPDFBitmap_Create"
    | "_FPDFBitmap_FillRect"
    | "_FPDFBitmap_GetFormat"
    | "_FPDFBitmap_GetWidth"
    | "_FPDFBitmap_GetHeight"
    | "_FPDFBitmap_GetStride"
    | "_FPDFBitmap_GetBuffer"
    | "_FPDFBitmap_Destroy"
    | "_FPDF_RenderPageBitmap",
    Call
  >;

/** A WebAssembly memory, as far as it is used here. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** After a trap its state is unknown: it is never entered again. */
export interface Engine {
  readonly pdfium: Pdfium;
  alive: boolean;
  maxMemoryMb: number;
  /** The size that its memory was to grow to when it was refused, else 0. */
  refusedBytes: number;
}

/** WebAssembly memory never shrinks; an instance that grew above this is not used again. */
const KEPT_BYTES_MAX = 256 * MiB;
const PAGE_BYTES = 65_536;

let loaded: Promise<Engine> | undefined;

/** The thread's engine, for one document of at most `maxMemoryMb`. */
export async function takeEngine(maxMemoryMb: number): Promise<Engine> {
  loaded ??= loadEngine();
  const engine = await loaded;
  engine.maxMemoryMb = maxMemoryMb;
  engine.refusedBytes = 0;
  return engine;
}

/** Called when a document is done: an engine that grew large is given up. */
export function releaseEngine(engine: Engine): void {
  if (engine.pdfium.HEAPU8.length > KEPT_BYTES_MAX) abandon(engine);
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

export function allocate(engine: Engine, byteCount: number): number {
  const start = guarded(engine, "memory", () => engine.pdfium.wasmExports.malloc(byteCount));
  if (start !== 0) return start;
  if (engine.refusedBytes > 0) throw tooLarge(engine);
  throw unreadable(`PDFium has no memory for ${byteCount} more bytes`);
}

export function free(engine: Engine, start: number): void {
  if (start !== 0 && engine.alive) engine.pdfium.wasmExports.free(start);
}

/** Four floats that a call writes to the addresses it is given; undefined when it says that it failed. */
export function readFloats(
  engine: Engine,
  call: (start: number) => number,
): Float32Array | undefined {
  const start = allocate(engine, 16);
  try {
    if (call(start) === 0) return undefined;
    return new Float32Array(engine.pdfium.HEAPU8.slice(start, start + 16).buffer);
  } finally {
    free(engine, start);
  }
}

/** As upstream decodes: half surrogate pairs are left out, a byte order mark is a character. */
export function readUtf16({ pdfium }: Engine, start: number, length: number): string {
  // The view is made anew each time: growing memory replaces the old one.
  const view = Buffer.from(pdfium.HEAPU8.buffer, start, Math.floor(length) * 2);
  return view.toString("utf16le").replaceAll(/\p{Surrogate}/gu, "");
}

/**
 * Runs a call into PDFium. Whatever is thrown that is not ours is a trap: the engine is given up.
 */
export function guarded<T>(engine: Engine, what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    abandon(engine);
    if (engine.refusedBytes > 0) throw tooLarge(engine);
    throw unreadable(`PDFium gave up on ${what} (${messageOf(error)})`, error);
  }
}

function abandon(engine: Engine): void {
  engine.alive = false;
  loaded = undefined;
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

export function unreadable(reason: string, cause?: unknown): Error {
  return StagesErrors.DOCUMENT_UNREADABLE({ documentType: "pdf", reason }, cause);
}
