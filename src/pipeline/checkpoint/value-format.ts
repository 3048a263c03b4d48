/**
 * How values are written as bytes, for keys and for kept messages. A value is a tag and what belongs
 * to it; all integers are big-endian.
 *
 * ```
 * undefined null true false    the tag alone          text   [bytes u32][UTF-8]
 * number  [float64]            date [ms float64]      broken [bytes u32][UTF-16LE], unpaired surrogates
 * bigint  as text, decimal     bytes, buffer  [bytes u32][…]
 * array   [count u32] values   record [count u32] pairs of text and value
 * again   [index u32]: the object that was the index-th to begin, once more
 * ```
 *
 * It is written by `value-writer.ts` and read by `value-reader.ts`. Change `FORMAT` with it.
 */

/** Part of every key, so that what another format wrote is never found. */
export const FORMAT = 1;

export const TAGS = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  number: 4,
  bigint: 5,
  text: 6,
  broken: 7,
  date: 8,
  bytes: 9,
  buffer: 10,
  array: 11,
  record: 12,
  again: 13,
} as const;

/** Deeper values are not written: they could not become JSON either. */
export const DEPTH_MAX = 1_000;
