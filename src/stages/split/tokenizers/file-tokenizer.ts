/**
 * A tokenizer from a `tokenizer.json`, the file that models are published with, with the
 * `tokenizer_config.json` beside it where there is one.
 */
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { hasCode, MiB, messageOf } from "../../../core/index.js";
import { StagesErrors } from "../../errors.js";
import { alignTokens, type TokenSpelling } from "./align-tokens.js";
import { ByteWalk } from "./byte-walk.js";
import { mapOffsets } from "./map-offsets.js";
import { type Slice, slicesOf } from "./text-slices.js";
import { type Tokenizer, Tokens } from "./tokens.js";

/** The largest vocabularies in use take 40 MB. */
const FILE_BYTES_MAX = 128 * MiB;

/** The part of a tokenizer file that offsets depend on. */
interface TokenizerFile {
  readonly model?: {
    readonly type?: string;
    readonly continuing_subword_prefix?: string | null;
    readonly end_of_word_suffix?: string | null;
    readonly unk_token?: string | null;
    readonly unk_id?: number | null;
    readonly vocab?: unknown;
  };
  readonly pre_tokenizer?: unknown;
}

/** @param path of the tokenizer.json. @throws STAGES_TOKENIZER_UNREADABLE */
export async function loadFileTokenizer(path: string): Promise<Tokenizer> {
  try {
    const file = await readJson(path);
    const config = await readJson(join(dirname(path), "tokenizer_config.json"), {});
    return fileTokenizer(new LibraryTokenizer(file, config), file as TokenizerFile);
  } catch (error) {
    throw StagesErrors.TOKENIZER_UNREADABLE({ path, reason: messageOf(error) }, error);
  }
}

async function readJson(path: string, otherwise?: object): Promise<object> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    const json: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof json !== "object" || json === null) throw new Error("it holds no JSON object");
    return json;
  } catch (error) {
    if (otherwise !== undefined && hasCode(error, "ENOENT")) return otherwise;
    throw error;
  }
}

function fileTokenizer(library: LibraryTokenizer, file: TokenizerFile): Tokenizer {
  const place = usesBytes(file.pre_tokenizer) ? bytePlacer(library) : spellingPlacer(file);
  const dropsBlank = startsWithBlank(library);
  return {
    tokenize(text) {
      const tokens = new Tokens();
      for (const slice of slicesOf(text, dropsBlank)) {
        place(slice, library.tokenize(slice.text), tokens);
      }
      return tokens;
    },
  };
}

type Place = (slice: Slice, spelled: readonly string[], tokens: Tokens) => void;

/** Whether tokens are spelled in characters that stand for bytes. */
function usesBytes(preTokenizer: unknown): boolean {
  if (typeof preTokenizer !== "object" || preTokenizer === null) return false;
  const { type, pretokenizers } = preTokenizer as { type?: unknown; pretokenizers?: unknown };
  return type === "ByteLevel" || (Array.isArray(pretokenizers) && pretokenizers.some(usesBytes));
}

/** Whether a text without a blank at its start gets one. */
function startsWithBlank(library: LibraryTokenizer): boolean {
  return /^[▁Ġ]/.test(library.tokenize("a")[0] ?? "");
}

/** A character of a token's spelling is a byte of the text, as the normaliser left it. */
function bytePlacer(library: LibraryTokenizer): Place {
  const added = new Set([...library.get_added_tokens_decoder().values()].map((t) => t.content));
  const bytesOf = (token: string) => (added.has(token) ? Buffer.byteLength(token) : token.length);
  return (slice, spelled, tokens) => {
    const text = library.normalizer?.(slice.text) ?? slice.text;
    const isSame = text === slice.text;
    const found = isSame ? tokens : new Tokens();
    const walk = new ByteWalk(text, isSame ? slice.from : 0);
    const surplus = spelled.reduce((sum, token) => sum + bytesOf(token), -Buffer.byteLength(text));
    for (const [index, token] of spelled.entries()) {
      // The blank that the tokenizer put before the text is none of its bytes.
      const isPrefixed = index === 0 && surplus === 1 && token.startsWith("Ġ");
      walk.take(bytesOf(token) - (isPrefixed ? 1 : 0), found);
    }
    if (!isSame) mapOffsets({ found, in: text, slice, tokens });
  };
}

function spellingPlacer({ model }: TokenizerFile): Place {
  const spelling: TokenSpelling = {
    continuing: model?.continuing_subword_prefix ?? (model?.type === "WordPiece" ? "##" : ""),
    ending: model?.end_of_word_suffix ?? "",
    unknown: unknownOf(model),
  };
  return (slice, spelled, tokens) => alignTokens(slice, spelled, spelling, tokens);
}

/** Unigram models name it by its place in their list. */
function unknownOf(model: TokenizerFile["model"]): string | undefined {
  if (typeof model?.unk_token === "string") return model.unk_token;
  const { vocab, unk_id: id } = model ?? {};
  const entry: unknown = Array.isArray(vocab) && typeof id === "number" ? vocab[id] : undefined;
  return Array.isArray(entry) && typeof entry[0] === "string" ? entry[0] : undefined;
}
