/**
 * Turns lengths in bytes into offsets in a text: for tokenizers whose tokens are bytes of UTF-8.
 * A token that begins or ends within a character has the whole of it.
 */
import type { Tokens } from "./tokens.js";

export class ByteWalk {
  readonly #text: string;
  readonly #from: number;
  /** The character at hand, its length in bytes, and how many of them are behind. */
  #at = 0;
  #charBytes: number;
  #done = 0;

  /** @param from the offset of `text` in the whole text. */
  constructor(text: string, from: number) {
    this.#text = text;
    this.#from = from;
    this.#charBytes = bytesAt(text, 0);
  }

  /** Adds the next token; bytes behind the end of the text count for nothing. */
  take(bytes: number, tokens: Tokens): void {
    const start = this.#at;
    this.skip(bytes);
    const end = this.#done > 0 ? this.#at + unitsAt(this.#charBytes) : this.#at;
    tokens.push(this.#from + start, this.#from + end);
  }

  skip(bytes: number): void {
    let left = bytes;
    while (left > 0 && this.#at < this.#text.length) {
      const step = Math.min(left, this.#charBytes - this.#done);
      left -= step;
      this.#done += step;
      if (this.#done < this.#charBytes) return;
      this.#at += unitsAt(this.#charBytes);
      this.#charBytes = bytesAt(this.#text, this.#at);
      this.#done = 0;
    }
  }

  /** The offset in `text` of the character at hand. */
  get at(): number {
    return this.#at;
  }
}

/** Only characters of four bytes are two UTF-16 units. */
function unitsAt(charBytes: number): number {
  return charBytes === 4 ? 2 : 1;
}

/** Half of a surrogate pair without the other becomes U+FFFD: three bytes. */
function bytesAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  if (unit < 0xd800 || unit > 0xdbff) return 3;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 4 : 3;
}
