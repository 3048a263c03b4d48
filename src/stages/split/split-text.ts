/** Cuts one text into chunks, in the way that is asked for. Knows no rows, jobs or threads. */
import { type ChunkBudget, Chunks } from "./chunks.js";
import { markdownSections } from "./markdown-sections.js";
import { sentenceEnds } from "./sentences.js";
import { type ChunkSizes, splitByTokens } from "./split-by-tokens.js";
import { splitByUnits } from "./split-by-units.js";
import type { SplitUnit } from "./split-options.js";
import type { Tokenizer } from "./tokenizers/tokens.js";

export interface TextToSplit {
  readonly text: string;
  /** As rows name it, for example `de`; `unknown` is read as English. */
  readonly language: string;
}

export interface SplitRules extends ChunkSizes {
  readonly by: SplitUnit;
}

/**
 * Start and end of each chunk in turn, in UTF-16 units, ends exclusive.
 *
 * @throws STAGES_SPLIT_TOO_LARGE
 */
export function splitText(
  { text, language }: TextToSplit,
  rules: SplitRules,
  tokenizer: Tokenizer,
  budget: ChunkBudget,
): Int32Array<ArrayBuffer> {
  const chunks = new Chunks(budget);
  const tokens = tokenizer.tokenize(text);
  if (rules.by === "heading") {
    const { pieceEnds: ends, sectionStarts } = markdownSections(text);
    for (let section = 0; section < Math.max(1, sectionStarts.length); section++) {
      const first = sectionStarts.at(section);
      const isLast = section + 1 >= sectionStarts.length;
      const end = isLast ? ends.length : sectionStarts.at(section + 1);
      splitByUnits({ text, tokens, ends }, rules, chunks, { first, end });
    }
  } else if (rules.by === "sentence") {
    splitByUnits({ text, tokens, ends: sentenceEnds(text, language) }, rules, chunks);
  } else {
    splitByTokens(tokens, rules, chunks);
  }
  return chunks.toOffsets();
}
