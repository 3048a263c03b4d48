/** The tokens of a text: only where they lie, for that is all a splitter needs of them. */
import { OffsetList } from "../offset-list.js";

/**
 * Offsets are UTF-16 units, ends exclusive. Starts and ends never fall; neighbours overlap where a
 * character was cut into several tokens, for each of them has the whole character, as in upstream.
 */
export class Tokens {
  readonly starts = new OffsetList();
  readonly ends = new OffsetList();

  get count(): number {
    return this.starts.length;
  }

  push(start: number, end: number): void {
    this.starts.push(start);
    this.ends.push(end);
  }
}

/** Finds the tokens of a text. Synchronous: it runs in a thread. */
export interface Tokenizer {
  tokenize(text: string): Tokens;
}
