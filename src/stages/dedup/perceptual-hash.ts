/** Tells whether two pictures look alike: 64 bits that scaling and recompression hardly change. */
import { Transformer } from "@napi-rs/image";

const COLUMNS = 9;
const ROWS = 8;
const BYTES_PER_PIXEL = 4;
/** Larger ones are not decoded. */
const PIXELS_MAX = 64 * 1024 * 1024;

/**
 * Difference hash: the picture in 9 × 8 grey fields, and of each two neighbours in a row whether the
 * left one is brighter. Decoded off the main thread. Undefined for what is no picture, or too large.
 */
export async function perceptualHash(image: Uint8Array): Promise<bigint | undefined> {
  try {
    const { width, height } = await new Transformer(image).metadata();
    if (width * height > PIXELS_MAX) return undefined;
    const fields = await new Transformer(image)
      .resize({ width: COLUMNS, height: ROWS, fit: 1 })
      .rawPixels();
    return hashOf(fields);
  } catch {
    return undefined;
  }
}

/** In how many bits two hashes differ. */
export function bitsApart(one: bigint, other: bigint): number {
  let count = 0;
  for (let bits = one ^ other; bits > 0n; bits &= bits - 1n) count++;
  return count;
}

function hashOf(pixels: Uint8Array): bigint {
  const channels = pixels.length / (COLUMNS * ROWS);
  let hash = 0n;
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLUMNS - 1; x++) {
      const at = (y * COLUMNS + x) * channels;
      const isBrighter =
        brightness(pixels, at, channels) > brightness(pixels, at + channels, channels);
      hash = (hash << 1n) | (isBrighter ? 1n : 0n);
    }
  }
  return hash;
}

function brightness(pixels: Uint8Array, at: number, channels: number): number {
  const [red = 0, green = 0, blue = 0] = pixels.subarray(at, at + BYTES_PER_PIXEL);
  return channels < 3 ? red : 0.299 * red + 0.587 * green + 0.114 * blue;
}
