/**
 * Finds where tokens lie in the text they came from, by their spelling.
 *
 * The library for tokenizer files gives tokens and no offsets, and what it did to the text before
 * (lower case, no accents, other forms of characters) is the file's affair. So text and tokens are
 * folded to what such changes leave alone, and each token is looked for where the last one ended.
 * A token without a known spelling takes one word; one that is not found takes nothing. Offsets
 * never fall, whatever the tokens are.
 */
import { ByteWalk } from "./byte-walk.js";
import { FoldedText, fold } from "./folded-text.js";
import type { Slice } from "./text-slices.js";
import type { Tokens } from "./tokens.js";

/** How far ahead a token is looked for that does not stand where it should, in characters. */
const SEARCH_CHARS = 64;

/** How a tokenizer spells its tokens. */
export interface TokenSpelling {
  /** Stands before a token that goes on within a word; `##` in WordPiece. */
  readonly continuing: string;
  /** Stands behind a token that ends a word; `</w>` in some BPE. */
  readonly ending: string;
  /** What stands for what is not in the vocabulary, for example `[UNK]`. */
  readonly unknown: string | undefined;
}

export function alignTokens(
  slice: Slice,
  spelled: readonly string[],
  spelling: TokenSpelling,
  tokens: Tokens,
): void {
  const aligner = new Aligner(slice, tokens);
  for (let index = 0; index < spelled.length; index++) {
    const token = spelled[index] as string;
    const bytes = byteRun(spelled, index);
    if (bytes > 0) {
      aligner.takeBytes(bytes);
      index += bytes - 1;
    } else if (token === spelling.unknown) {
      aligner.takeUnknown(wordOf(spelled[index + 1] ?? "", spelling));
    } else {
      aligner.takeWord(wordOf(token, spelling), leadingMarks(token));
    }
  }
}

/** The number of tokens from here that stand for single bytes, as `<0xE4>`. */
function byteRun(spelled: readonly string[], from: number): number {
  let to = from;
  while (/^<0x[0-9A-F]{2}>$/.test(spelled[to] ?? "")) to++;
  return to - from;
}

function leadingMarks(token: string): number {
  return /^▁*/.exec(token)?.[0].length ?? 0;
}

function wordOf(token: string, { continuing, ending, unknown }: TokenSpelling): string {
  if (token === unknown) return "";
  let word = token;
  if (continuing !== "" && word.length > continuing.length && word.startsWith(continuing)) {
    word = word.slice(continuing.length);
  }
  if (ending !== "" && word.endsWith(ending)) word = word.slice(0, -ending.length);
  return fold(word);
}

class Aligner {
  readonly #slice: Slice;
  readonly #tokens: Tokens;
  readonly #text: FoldedText;
  /** Where the next token is looked for: in the folded text, and in the slice itself. */
  #unit = 0;
  #at = 0;

  constructor(slice: Slice, tokens: Tokens) {
    this.#slice = slice;
    this.#tokens = tokens;
    this.#text = new FoldedText(slice.text);
  }

  takeWord(word: string, marks: number): void {
    const start = this.#at;
    const afterBlanks = this.#skipBlanks(marks);
    if (word === "") {
      this.#push(start, afterBlanks);
      return;
    }
    const found = this.#find(word);
    if (found === undefined) {
      this.#push(start, start);
      return;
    }
    const first = this.#text.startAt(found);
    const end = this.#text.endBefore(found + word.length);
    // A mark before the token stands for the blank before the word, which is the token's then.
    const isBehindBlank = afterBlanks > start && found === this.#unit;
    this.#push(isBehindBlank ? Math.min(start, first) : first, end);
    this.#unit = found + word.length;
  }

  /** A word of the text, but not what the next token is seen to take of it. */
  takeUnknown(next: string): void {
    const rest = this.#slice.text.slice(this.#at);
    const word = /^\s*(\S*)/.exec(rest);
    const start = this.#at + (word?.[0].length ?? 0) - (word?.[1]?.length ?? 0);
    const wordEnd = this.#at + (word?.[0].length ?? 0);
    const seen = next === "" ? -1 : this.#text.folded.indexOf(next, this.#text.unitAt(start + 1));
    const end = seen === -1 ? wordEnd : Math.min(wordEnd, this.#text.startAt(seen));
    this.#push(start, end);
    this.#unit = this.#text.unitAt(end);
  }

  takeBytes(count: number): void {
    const walk = new ByteWalk(this.#slice.text.slice(this.#at), this.#slice.from + this.#at);
    for (let byte = 0; byte < count; byte++) walk.take(1, this.#tokens);
    this.#at += walk.at;
    this.#unit = this.#text.unitAt(this.#at);
  }

  /** Where the word begins in the folded text: here, else a little further on. */
  #find(word: string): number | undefined {
    const { folded } = this.#text;
    if (folded.startsWith(word, this.#unit)) return this.#unit;
    const near = folded.slice(this.#unit, this.#unit + SEARCH_CHARS + word.length).indexOf(word);
    return near === -1 ? undefined : this.#unit + near;
  }

  #skipBlanks(most: number): number {
    let at = this.#at;
    while (at < this.#at + most && /\s/.test(this.#slice.text[at] ?? "")) at++;
    return at;
  }

  #push(start: number, end: number): void {
    const { from } = this.#slice;
    this.#tokens.push(from + start, from + Math.max(start, end));
    this.#at = Math.max(this.#at, end);
  }
}
