/**
 * A text without what tokenizers change: case, accents, compatibility forms, blanks and control
 * characters. Two spellings of the same words fold to the same text.
 */
import { OffsetList } from "../offset-list.js";

export class FoldedText {
  readonly folded: string;
  /** For each unit of `folded` the start and the end, in the source, of the character it came from. */
  readonly #starts = new OffsetList();
  readonly #ends = new OffsetList();
  readonly #length: number;

  constructor(source: string) {
    let folded = "";
    let at = 0;
    for (const char of source) {
      const units = fold(char);
      folded += units;
      for (let unit = 0; unit < units.length; unit++) {
        this.#starts.push(at);
        this.#ends.push(at + char.length);
      }
      at += char.length;
    }
    this.folded = folded;
    this.#length = source.length;
  }

  /** Start, in the source, of the character at a folded offset; the end of the source behind them. */
  startAt(unit: number): number {
    return unit < this.#starts.length ? this.#starts.at(unit) : this.#length;
  }

  /** End, in the source, of the character before a folded offset. */
  endBefore(unit: number): number {
    return unit > 0 ? this.#ends.at(unit - 1) : 0;
  }

  /** The first folded offset whose character begins at or behind an offset of the source. */
  unitAt(offset: number): number {
    return this.#starts.indexAbove(offset - 1);
  }
}

/** The characters of a text, folded one by one. */
export function fold(text: string): string {
  if (/^[!-~]*$/.test(text)) return text.toLowerCase();
  return text
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/[\s\p{M}\p{Cc}\p{Cf}\p{Cs}▁]/gu, "");
}
