/** Small tokenizer files of each kind that models are published with, made from a list of words. */

const BASE = {
  version: "1.0",
  added_tokens: [{ id: 0, content: "[UNK]", special: true }],
  normalizer: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  post_processor: null,
  decoder: null,
};

function numbered(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(["[UNK]", ...words].map((word, index) => [word, index]));
}

/** A token is a word between blanks. */
export function wordTokenizerFile(words: readonly string[]): object {
  return { ...BASE, model: { type: "WordLevel", vocab: numbered(words), unk_token: "[UNK]" } };
}

/** As of BERT: lower case without accents; pieces within a word begin with `##`. */
export function wordPieceFile(pieces: readonly string[]): object {
  return {
    ...BASE,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: numbered(pieces),
    },
  };
}

/** As of GPT-2 and Llama 3: every byte is a token, joined by the merges that are given. */
export function byteLevelFile(merges: readonly [string, string][], normalizer: unknown = null) {
  const bytes = byteCharacters();
  const joined = merges.map(([left, right]) => left + right);
  return {
    ...BASE,
    added_tokens: [],
    normalizer,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries([...bytes, ...joined].map((token, index) => [token, index])),
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
}

/** As of Llama 2: blanks are `▁`, one stands before the text, and unknown characters are bytes. */
export function metaspaceFile(pieces: readonly string[]): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => {
    return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
  });
  const vocab = [["<unk>", 0], ...bytes.map((byte) => [byte, -20])];
  return {
    ...BASE,
    added_tokens: [{ id: 0, content: "<unk>", special: true }],
    pre_tokenizer: {
      type: "Metaspace",
      replacement: "▁",
      add_prefix_space: true,
      prepend_scheme: "always",
    },
    decoder: { type: "Metaspace", replacement: "▁", add_prefix_space: true },
    model: {
      type: "Unigram",
      unk_id: 0,
      byte_fallback: true,
      vocab: [...vocab, ...pieces.map((piece) => [piece, -1])],
    },
  };
}

/** The characters that stand for the 256 bytes in files of such tokenizers. */
function byteCharacters(): string[] {
  const isShown = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let hidden = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isShown(byte) ? byte : hidden++),
  );
}
