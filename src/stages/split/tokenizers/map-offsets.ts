/**
 * Offsets in a normalised text as offsets in the text it was made from: over what both fold to, and
 * where that differs, in proportion. For tokenizers of bytes that normalise first.
 */
import { FoldedText } from "./folded-text.js";
import type { Slice } from "./text-slices.js";
import type { Tokens } from "./tokens.js";

interface Found {
  /** Tokens by their offsets in the normalised text. */
  readonly found: Tokens;
  readonly in: string;
  readonly slice: Slice;
  /** Where they go, by their offsets in the whole text. */
  readonly tokens: Tokens;
}

export function mapOffsets({ found, in: text, slice, tokens }: Found): void {
  const { start, end } = mapping(text, slice.text);
  let last = 0;
  let lastEnd = 0;
  for (let index = 0; index < found.count; index++) {
    const from = Math.max(last, start(found.starts.at(index)));
    const to = Math.max(from, lastEnd, end(found.ends.at(index)));
    tokens.push(slice.from + from, slice.from + to);
    last = from;
    lastEnd = to;
  }
}

interface Mapping {
  readonly start: (offset: number) => number;
  readonly end: (offset: number) => number;
}

function mapping(text: string, source: string): Mapping {
  const folded = new FoldedText(text);
  const sourceFolded = new FoldedText(source);
  if (folded.folded !== sourceFolded.folded) {
    const scaled = (offset: number) => Math.round((offset / text.length) * source.length);
    return { start: scaled, end: scaled };
  }
  return {
    start: (offset) => sourceFolded.startAt(folded.unitAt(offset)),
    end: (offset) => sourceFolded.endBefore(folded.unitAt(offset)),
  };
}
