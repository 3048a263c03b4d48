/**
 * Chunks of whole sentences, lines or blocks of code: as many as fit into a number of tokens. What
 * is longer than a chunk by itself is cut at tokens.
 */
import type { Chunks } from "./chunks.js";
import type { OffsetList } from "./offset-list.js";
import { type ChunkSizes, splitByTokens } from "./split-by-tokens.js";
import type { Tokens } from "./tokenizers/tokens.js";

export interface Units {
  readonly text: string;
  readonly tokens: Tokens;
  /** Where each unit ends; the next begins there. */
  readonly ends: OffsetList;
}

/** Packs the units from `first` up to `end`, all of them unless told. */
export function splitByUnits(
  units: Units,
  sizes: ChunkSizes,
  chunks: Chunks,
  { first = 0, end = units.ends.length } = {},
): void {
  const { text, tokens, ends } = units;
  const { chunkSize, chunkOverlap } = sizes;
  const startOf = (unit: number) => (unit === 0 ? 0 : ends.at(unit - 1));
  /** The number of tokens that begin before the unit. */
  const tokensBefore = (unit: number) => tokens.starts.indexAbove(startOf(unit) - 1);
  /** The first unit behind those from `unit` on that have at most `count` tokens. */
  const fitting = (unit: number, count: number) => {
    const token = tokensBefore(unit) + count;
    if (token >= tokens.count) return end;
    return Math.min(end, ends.indexAbove(tokens.starts.at(token), unit));
  };
  /** The first of the units before `unit` that have at most `count` tokens together. */
  const overlapping = (unit: number, count: number) => {
    const token = tokensBefore(unit) - count;
    if (token <= 0) return 0;
    return Math.min(unit, ends.indexAbove(tokens.starts.at(token - 1)) + 1);
  };
  for (let unit = first; unit < end; ) {
    const next = fitting(unit, chunkSize);
    if (next === unit) {
      const range = { first: tokensBefore(unit), end: tokensBefore(unit + 1) };
      splitByTokens(tokens, { ...sizes, legacySplit: false }, chunks, range);
      unit += 1;
      continue;
    }
    pushTrimmed(text, startOf(unit), startOf(next), chunks);
    if (next >= end) return;
    // The overlap must leave room for the unit that comes next, or the chunk would be the same again.
    const room = Math.max(0, chunkSize - (tokensBefore(next + 1) - tokensBefore(next)));
    const overlap = Math.min(chunkOverlap, room);
    unit = overlap === 0 ? next : Math.max(unit + 1, overlapping(next, overlap));
  }
}

/** Blanks between chunks belong to none of them. */
function pushTrimmed(text: string, from: number, to: number, chunks: Chunks): void {
  let start = from;
  let end = to;
  while (start < end && /\s/.test(text[start] as string)) start++;
  while (end > start && /\s/.test(text[end - 1] as string)) end--;
  chunks.push(start, end);
}
