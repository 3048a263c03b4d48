/** How large a picture is. */
import { Transformer } from "@napi-rs/image";

export interface ImageSize {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Undefined for what is no picture, for drawings such as EMF, and for pictures too large to decode. */
export function imageSize(image: Uint8Array): ImageSize | undefined {
  try {
    const { width, height } = new Transformer(image).metadataSync();
    return { width, height };
  } catch {
    return undefined;
  }
}
