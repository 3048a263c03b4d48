/**
 * Cuts a text into slices that are tokenized one by one: tokenizers take quadratic time on a word
 * without end, and an error of alignment ends with its slice.
 *
 * A slice ends before a single blank between two words, where no tokenizer joins anything, so the
 * tokens are those of the whole text. Only a stretch without such a blank is cut where it happens
 * to be long enough.
 */
const SLICE_CHARS = 1_024;

export interface Slice {
  readonly text: string;
  /** Offset in the whole text. */
  readonly from: number;
}

/** @param dropsBlank leaves out the blank: for tokenizers that put one before each text. */
export function* slicesOf(text: string, dropsBlank = false): Generator<Slice> {
  for (let from = 0; from < text.length; ) {
    const blank = text.length - from > SLICE_CHARS ? blankBefore(text, from) : undefined;
    const to = blank ?? hardEnd(text, from);
    yield { text: text.slice(from, to), from };
    from = blank !== undefined && dropsBlank ? to + 1 : to;
  }
}

function blankBefore(text: string, from: number): number | undefined {
  for (let at = from + SLICE_CHARS; at > from + 1; at--) {
    const isBetweenWords = !isBlank(text.charCodeAt(at - 1)) && !isBlank(text.charCodeAt(at + 1));
    if (text[at] === " " && isBetweenWords) return at;
  }
  return undefined;
}

/** Never between the two halves of a character. */
function hardEnd(text: string, from: number): number {
  const end = Math.min(from + SLICE_CHARS, text.length);
  const isInside =
    end < text.length &&
    isLowSurrogate(text.charCodeAt(end)) &&
    isHighSurrogate(text.charCodeAt(end - 1));
  return isInside ? end - 1 : end;
}

/** NaN, behind the end of the text, counts as blank. */
function isBlank(unit: number): boolean {
  return !(unit > 0x20) || unit === 0x85 || unit === 0xa0 || (unit >= 0x1680 && isRareBlank(unit));
}

function isRareBlank(unit: number): boolean {
  return /\s/.test(String.fromCharCode(unit));
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
