/** Pixels out of PDFium's memory. */
import type { Engine } from "./pdfium-engine.js";

/** Red, green, blue and alpha, a byte each, row by row from the top. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** Bytes of a pixel by PDFium's format: 1 grey; 2 blue, green, red; 3 the same and one unused; 4, 5 with alpha. */
const PIXEL_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [2, 3],
  [3, 4],
  [4, 4],
  [5, 4],
]);
const FIRST_WITH_ALPHA = 4;

/** Copies a bitmap and destroys it; undefined for a format that is not known. */
export function readBitmap({ pdfium }: Engine, bitmap: number): Pixels | undefined {
  try {
    const format = pdfium._FPDFBitmap_GetFormat(bitmap);
    const pixelBytes = PIXEL_BYTES.get(format);
    if (pixelBytes === undefined) return undefined;
    const width = pdfium._FPDFBitmap_GetWidth(bitmap);
    const height = pdfium._FPDFBitmap_GetHeight(bitmap);
    const stride = pdfium._FPDFBitmap_GetStride(bitmap);
    const start = pdfium._FPDFBitmap_GetBuffer(bitmap);
    const source = pdfium.HEAPU8;
    const rgba = new Uint8Array(width * height * 4);
    let to = 0;
    for (let y = 0; y < height; y++) {
      let from = start + y * stride;
      for (let x = 0; x < width; x++, from += pixelBytes, to += 4) {
        const isGrey = pixelBytes === 1;
        rgba[to] = source[isGrey ? from : from + 2] as number;
        rgba[to + 1] = source[isGrey ? from : from + 1] as number;
        rgba[to + 2] = source[from] as number;
        rgba[to + 3] = format >= FIRST_WITH_ALPHA ? (source[from + 3] as number) : 255;
      }
    }
    return { width, height, rgba };
  } finally {
    pdfium._FPDFBitmap_Destroy(bitmap);
  }
}
