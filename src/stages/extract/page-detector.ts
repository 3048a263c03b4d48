/**
 * Finds tables, charts and infographics in pictures of pages. An extractor that is given one makes rows
 * of what was found, with the part of the page as picture; without one there is nothing structured.
 */

/** In the words of `content_metadata.subtype` of upstream's rows. */
export type StructureKind = "table" | "chart" | "infographic";

export interface DetectedBox {
  readonly kind: StructureKind;
  /** Left, top, right and bottom as fractions of the picture, 0 to 1, left below right. */
  readonly box: readonly [number, number, number, number];
  /** 0 to 1. */
  readonly confidence: number;
}

export interface PageDetector {
  /** The most pages worth handing over at once. */
  readonly batchSize: number;
  /**
   * One list of boxes for each picture, in the order of the pictures; each list best first.
   * @throws when the model cannot be asked, with the cause in the text; the extractor notes it.
   */
  detect(pngs: readonly Uint8Array[], signal?: AbortSignal): Promise<DetectedBox[][]>;
}
