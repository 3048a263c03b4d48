/** One open page of PDFium: its text, the objects on it, and how it looks. */

import { type Pixels, readBitmap } from "./pdfium-bitmap.js";
import {
  allocate,
  type Engine,
  free,
  guarded,
  readFloats,
  readUtf16,
  unreadable,
} from "./pdfium-engine.js";

/** Left, top, right and bottom in points from the top left corner of the page as it is shown. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Something drawn on a page. It is of no use once the page is closed. */
export interface PageObject {
  readonly kind: "path" | "image" | "form";
  /** On the page as it is shown. */
  readonly box: Box;
  /** Left, bottom, right and top in the PDF's own coordinates. */
  readonly bounds: readonly [number, number, number, number];
  /** For pictures: their pixels, undefined when they cannot be read; and how many these are. */
  readonly pixels: () => Pixels | undefined;
  readonly pixelSize: () => { readonly width: number; readonly height: number };
}

export interface PdfPage {
  /** Points, of the page as it is shown. */
  readonly width: number;
  readonly height: number;
  /**
   * The text inside the page's box, lines ended by CRLF, control characters kept.
   * Source: spec pipeline-and-stages.md 5.2: FPDFText_GetBoundedText over the whole page.
   */
  text(): string;
  /** @param depth 1 for what is on the page itself, 2 with what is in its forms. */
  objects(depth: 1 | 2): PageObject[];
  /** The whole page on white, `width` × `height` pixels. */
  render(width: number, height: number): Pixels;
  close(): void;
}

const KINDS: ReadonlyMap<number, PageObject["kind"]> = new Map([
  [2, "path"],
  [3, "image"],
  [5, "form"],
]);
const WHITE = 0xffffffff;
const WITH_ANNOTATIONS = 0x01;

/** @param index 0-based. @throws STAGES_DOCUMENT_UNREADABLE. */
export function openPage(engine: Engine, document: number, index: number): PdfPage {
  const { pdfium } = engine;
  const name = `page ${index + 1}`;
  const within = <T>(read: () => T): T => guarded(engine, name, read);
  const broken = (reason: string) => unreadable(`${name} is broken (PDFium: ${reason})`);
  const page = within(() => pdfium._FPDF_LoadPage(document, index));
  if (page === 0) throw broken("Failed to load page");
  const size = {
    width: pdfium._FPDF_GetPageWidthF(page),
    height: pdfium._FPDF_GetPageHeightF(page),
  };
  return {
    ...size,
    text: () =>
      within(() => {
        const text = pdfium._FPDFText_LoadPage(page);
        if (text === 0) throw broken("Failed to load text page");
        try {
          return boundedText(engine, page, text);
        } finally {
          if (engine.alive) pdfium._FPDFText_ClosePage(text);
        }
      }),
    objects: (depth) =>
      within(() => {
        const place = placing(engine, page, size);
        return [...handlesOn(engine, page, depth)].flatMap((handle) =>
          objectOf(engine, handle, place),
        );
      }),
    render: (width, height) => within(() => render(engine, page, width, height)),
    close: () => {
      if (engine.alive) pdfium._FPDF_ClosePage(page);
    },
  };
}

function boundedText(engine: Engine, page: number, text: number): string {
  const { pdfium } = engine;
  const [left, top, right, bottom] = pageBox(engine, page);
  let buffer = 0;
  try {
    const read = (to: number, length: number) =>
      pdfium._FPDFText_GetBoundedText(text, left, top, right, bottom, to, length);
    const length = read(0, 0);
    if (length <= 0) return "";
    buffer = allocate(engine, length * 2);
    return readUtf16(engine, buffer, Math.min(length, read(buffer, length)));
  } finally {
    free(engine, buffer);
  }
}

/** Left, top, right, bottom in the PDF's coordinates. */
function pageBox(engine: Engine, page: number): [number, number, number, number] {
  const floats = readFloats(engine, (start) => engine.pdfium._FPDF_GetPageBoundingBox(page, start));
  const [left = 0, top = 0, right = 0, bottom = 0] = floats ?? [];
  return [left, top, right, bottom];
}

function* handlesOn({ pdfium }: Engine, page: number, depth: 1 | 2): Generator<number> {
  const count = pdfium._FPDFPage_CountObjects(page);
  for (let i = 0; i < count; i++) {
    const handle = pdfium._FPDFPage_GetObject(page, i);
    yield handle;
    if (depth === 1 || KINDS.get(pdfium._FPDFPageObj_GetType(handle)) !== "form") continue;
    const inner = pdfium._FPDFFormObj_CountObjects(handle);
    for (let k = 0; k < inner; k++) yield pdfium._FPDFFormObj_GetObject(handle, k);
  }
}

function objectOf(
  engine: Engine,
  handle: number,
  place: (bounds: PageObject["bounds"]) => Box,
): PageObject[] {
  const { pdfium } = engine;
  const kind = KINDS.get(pdfium._FPDFPageObj_GetType(handle));
  if (kind === undefined) return [];
  const floats = readFloats(engine, (start) =>
    pdfium._FPDFPageObj_GetBounds(handle, start, start + 4, start + 8, start + 12),
  );
  if (floats === undefined) return [];
  const [left = 0, bottom = 0, right = 0, top = 0] = floats;
  const bounds = [left, bottom, right, top] as const;
  return [
    {
      kind,
      box: place(bounds),
      bounds,
      pixels: () => guarded(engine, "a picture", () => pixelsOf(engine, handle)),
      pixelSize: () => guarded(engine, "a picture", () => pixelSizeOf(engine, handle)),
    },
  ];
}

/**
 * From the PDF's coordinates to those of the page as it is shown: its box may begin anywhere, and it may
 * be turned. (Upstream takes neither into account and cuts such pages elsewhere.)
 */
function placing(engine: Engine, page: number, size: { width: number; height: number }) {
  const [left, top, right, bottom] = pageBox(engine, page);
  const turns = engine.pdfium._FPDFPage_GetRotation(page);
  const isUpright = turns % 2 === 0;
  const scaleX = size.width / ((isUpright ? right - left : top - bottom) || 1);
  const scaleY = size.height / ((isUpright ? top - bottom : right - left) || 1);
  const point = (x: number, y: number): [number, number] => {
    if (turns === 1) return [y - bottom, x - left];
    if (turns === 2) return [right - x, y - bottom];
    if (turns === 3) return [top - y, right - x];
    return [x - left, top - y];
  };
  return ([x0, y0, x1, y1]: PageObject["bounds"]): Box => {
    const [ax, ay] = point(x0, y0);
    const [bx, by] = point(x1, y1);
    return [
      Math.min(ax, bx) * scaleX,
      Math.min(ay, by) * scaleY,
      Math.max(ax, bx) * scaleX,
      Math.max(ay, by) * scaleY,
    ];
  };
}

function pixelSizeOf(engine: Engine, handle: number) {
  const floats = readFloats(engine, (start) =>
    engine.pdfium._FPDFImageObj_GetImagePixelSize(handle, start, start + 4),
  );
  const [width = 0, height = 0] = floats === undefined ? [] : new Uint32Array(floats.buffer);
  return { width, height };
}

function pixelsOf(engine: Engine, handle: number): Pixels | undefined {
  const bitmap = engine.pdfium._FPDFImageObj_GetBitmap(handle);
  return bitmap === 0 ? undefined : readBitmap(engine, bitmap);
}

function render(engine: Engine, page: number, width: number, height: number): Pixels {
  const { pdfium } = engine;
  const bitmap = pdfium._FPDFBitmap_Create(width, height, 1);
  if (bitmap === 0) throw unreadable(`PDFium has no memory for ${width} × ${height} pixels`);
  pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE);
  pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, WITH_ANNOTATIONS);
  const pixels = readBitmap(engine, bitmap);
  if (pixels === undefined) throw unreadable("PDFium drew a page in a format that is not known");
  return pixels;
}
