/**
 * Chunks of a number of tokens. Source: spec pipeline-and-stages.md 5.12.
 */
import type { Chunks } from "./chunks.js";
import type { Tokens } from "./tokenizers/tokens.js";

export interface ChunkSizes {
  /** The most tokens in a chunk. */
  readonly chunkSize: number;
  /** Tokens that a chunk has in common with the one before it; less than `chunkSize`. */
  readonly chunkOverlap: number;
  readonly legacySplit: boolean;
  readonly dropContainedTail: boolean;
}

/** Cuts the tokens from `first` up to `end`, all of them unless told. */
export function splitByTokens(
  tokens: Tokens,
  sizes: ChunkSizes,
  chunks: Chunks,
  { first = 0, end = tokens.count } = {},
): void {
  const { chunkSize, chunkOverlap, legacySplit, dropContainedTail } = sizes;
  for (let token = first; token < end; token += chunkSize - chunkOverlap) {
    const last = Math.min(token + chunkSize, end) - 1;
    if (legacySplit) chunks.push(tokens.starts.at(token), tokens.starts.at(last));
    else chunks.push(wholeStart(tokens, token), tokens.ends.at(last));
    if (dropContainedTail && last === end - 1) return;
  }
}

/** A character that was cut into several tokens belongs to the first of them alone. */
function wholeStart(tokens: Tokens, index: number): number {
  return Math.max(tokens.starts.at(index), index === 0 ? 0 : tokens.ends.at(index - 1));
}
