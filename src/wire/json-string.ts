/**
 * Runs over JSON strings in bytes without decoding them. Messages of many megabytes pass here once,
 * so the plain stretches are read four bytes at a time.
 */
import { WireErrors } from "./errors.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_U = 0x75;
/** The bytes that may follow a backslash, besides `u`: `" \ / b f n r t`. */
const SHORT_ESCAPES = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);
/** So many plain bytes are read one by one first: a view for word-wise reading costs as much. */
const WORDWISE_BYTES = 64;

export interface StringRun {
  /** Offset of the closing quote. */
  readonly end: number;
  /** An escape `\uD800`–`\uDFFF` stands without its partner: no Unicode text. */
  readonly loneSurrogate: boolean;
}

/**
 * Runs over the string whose first character after the opening quote is at `start`.
 *
 * @throws WIRE_JSON_INVALID for a control character, an unknown escape or a missing closing quote.
 */
export function runOverString(bytes: Buffer, start: number, end: number): StringRun {
  let position = start;
  let highSurrogateEnd = -1;
  let loneSurrogate = false;
  for (;;) {
    position = nextSpecial(bytes, position, end);
    if (position >= end) throw invalid(end, "a string has no end");
    const byte = bytes[position];
    if (byte === QUOTE) break;
    if (byte !== BACKSLASH) throw invalid(position, "a control character stands in a string");
    const escaped = bytes[position + 1] ?? 0;
    if (escaped !== LETTER_U) {
      if (!SHORT_ESCAPES.has(escaped)) throw invalid(position, "an unknown escape");
      position += 2;
      continue;
    }
    const unit = hexAt(bytes, position + 2, end);
    const isHigh = unit >= 0xd800 && unit < 0xdc00;
    const isLow = unit >= 0xdc00 && unit < 0xe000;
    const afterHigh = highSurrogateEnd === position;
    if (isLow !== afterHigh || (highSurrogateEnd >= 0 && !afterHigh)) loneSurrogate = true;
    position += 6;
    highSurrogateEnd = isHigh ? position : -1;
  }
  return { end: position, loneSurrogate: loneSurrogate || highSurrogateEnd >= 0 };
}

/** The number that four hexadecimal digits at `position` write. */
export function hexAt(bytes: Buffer, position: number, end: number): number {
  if (position + 4 > end) throw invalid(position, "an escape is cut off");
  let value = 0;
  for (let i = position; i < position + 4; i++) {
    const digit = hexDigit(bytes[i] as number);
    if (digit < 0) throw invalid(i, "an escape needs four hexadecimal digits");
    value = value * 16 + digit;
  }
  return value;
}

/** The value of a hexadecimal digit's character code, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function isSpecial(byte: number): boolean {
  return byte < SPACE || byte === QUOTE || byte === BACKSLASH;
}

/** The first offset at or after `from` with a control character, a quote or a backslash, or `end`. */
function nextSpecial(bytes: Buffer, from: number, end: number): number {
  let position = from;
  const aligned = from + WORDWISE_BYTES + ((4 - ((bytes.byteOffset + from) & 3)) & 3);
  const head = Math.min(aligned, end);
  for (; position < head; position++) if (isSpecial(bytes[position] as number)) return position;
  if (position === end) return end;
  const wordCount = (end - position) >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + position, wordCount);
  let word = 0;
  while (word < wordCount && !hasSpecial(words[word] as number)) word++;
  for (position += word * 4; position < end; position++) {
    if (isSpecial(bytes[position] as number)) return position;
  }
  return end;
}

/** Whether any of a word's four bytes is special: "has a byte less than n" and "has a zero byte". */
function hasSpecial(word: number): boolean {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const hits =
    ((word - 0x20202020) & ~word) |
    ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes);
  return (hits & 0x80808080) !== 0;
}

function invalid(offset: number, reason: string) {
  return WireErrors.JSON_INVALID({ offset, reason });
}
