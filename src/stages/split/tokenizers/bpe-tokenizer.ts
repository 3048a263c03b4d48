/**
 * The tokenizers that need no file: the vocabularies inside the package gpt-tokenizer.
 *
 * cl100k_base is the default, for the vocabulary and the rules of Llama 3, upstream's tokenizer,
 * were made from it. Loaded with the first text, which takes about a tenth of a second.
 */
import { ByteWalk } from "./byte-walk.js";
import { slicesOf } from "./text-slices.js";
import { type Tokenizer, Tokens } from "./tokens.js";

export const BPE_NAMES = ["cl100k_base", "o200k_base"] as const;
export type BpeName = (typeof BPE_NAMES)[number];

/** The token's text; its bytes where they are no text by themselves. */
type Rank = string | readonly number[];

const LOADERS = {
  cl100k_base: async () => ({
    encoding: (await import("gpt-tokenizer/encoding/cl100k_base")).default,
    ranks: (await import("gpt-tokenizer/bpeRanks/cl100k_base")).default as readonly Rank[],
  }),
  o200k_base: async () => ({
    encoding: (await import("gpt-tokenizer/encoding/o200k_base")).default,
    ranks: (await import("gpt-tokenizer/bpeRanks/o200k_base")).default as readonly Rank[],
  }),
};

/** What looks like a special token, such as `<|endoftext|>`, is text like any other. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

export async function loadBpeTokenizer(name: BpeName): Promise<Tokenizer> {
  const { encoding, ranks } = await LOADERS[name]();
  const bytesOf = Uint16Array.from(ranks, (rank) =>
    typeof rank === "string" ? Buffer.byteLength(rank) : (rank?.length ?? 0),
  );
  return {
    tokenize(text) {
      const tokens = new Tokens();
      for (const slice of slicesOf(text)) {
        const walk = new ByteWalk(slice.text, slice.from);
        for (const id of encoding.encode(slice.text, AS_TEXT)) walk.take(bytesOf[id] ?? 0, tokens);
      }
      return tokens;
    },
  };
}
