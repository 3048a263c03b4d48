/** The tokenizers that a thread has loaded; it keeps the few that were used last. */
import { loadBpeTokenizer } from "./bpe-tokenizer.js";
import { loadFileTokenizer } from "./file-tokenizer.js";
import type { TokenizerChoice } from "./find-tokenizer.js";
import type { Tokenizer } from "./tokens.js";

/** A large vocabulary takes some hundred megabytes in memory. */
const KEPT_MAX = 3;

const kept = new Map<string, Promise<Tokenizer>>();

/** @throws STAGES_TOKENIZER_UNREADABLE */
export function loadTokenizer(choice: TokenizerChoice): Promise<Tokenizer> {
  const key = choice.kind === "bpe" ? choice.name : choice.path;
  const known = kept.get(key);
  kept.delete(key);
  const tokenizer =
    known ??
    (choice.kind === "bpe" ? loadBpeTokenizer(choice.name) : loadFileTokenizer(choice.path));
  kept.set(key, tokenizer);
  // A file that was broken may be mended.
  tokenizer.catch(() => kept.delete(key));
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) break;
    kept.delete(oldest);
  }
  return tokenizer;
}
