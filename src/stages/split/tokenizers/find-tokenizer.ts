/**
 * Decides which tokenizer a job gets: the one that its task names, else the operator's, else what
 * upstream would take if it is here, else the one that needs no file. Nothing is downloaded.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../../../core/index.js";
import { StagesErrors } from "../../errors.js";
import type { SplitConfig } from "../split-options.js";
import { BPE_NAMES, type BpeName } from "./bpe-tokenizer.js";

export type TokenizerChoice =
  | { readonly kind: "bpe"; readonly name: BpeName }
  | { readonly kind: "file"; readonly path: string };

export interface ChosenTokenizer {
  readonly choice: TokenizerChoice;
  /** Says which one it is where the task did not ask for it by name. */
  readonly note?: string;
  /** The task named one that is not here. */
  readonly isSubstitute: boolean;
}

/** Upstream's, in the order in which it looks for them. */
const UPSTREAM_NAMES = ["meta-llama/Llama-3.2-1B", "intfloat/e5-large-unsupervised"];

const FALLBACK: BpeName = "cl100k_base";

type TokenizerOptions = Pick<SplitConfig, "tokenizer" | "tokenizersDir">;

/** @throws STAGES_TOKENIZER_UNREADABLE when the operator's own tokenizer is not there. */
export async function findTokenizer(
  asked: string | undefined,
  options: TokenizerOptions,
): Promise<ChosenTokenizer> {
  const found = asked === undefined ? undefined : await byName(asked, options.tokenizersDir);
  if (found !== undefined) return { choice: found, isSubstitute: false };
  const { choice, name } = await withoutName(options);
  const why =
    asked === undefined
      ? "the task names no tokenizer"
      : `the tokenizer ${quote(asked)} is not here ("split.tokenizersDir")`;
  return { choice, note: `${why}: tokens are those of ${name}`, isSubstitute: asked !== undefined };
}

async function withoutName({ tokenizer, tokenizersDir }: TokenizerOptions) {
  if (tokenizer !== undefined) {
    const found = (await byName(tokenizer, tokenizersDir)) ?? (await byPath(tokenizer));
    if (found === undefined) {
      const reason = "there is no such name and no such file";
      throw StagesErrors.TOKENIZER_UNREADABLE({ path: tokenizer, reason });
    }
    return { choice: found, name: tokenizer };
  }
  for (const name of UPSTREAM_NAMES) {
    const found = await byName(name, tokenizersDir);
    if (found !== undefined) return { choice: found, name };
  }
  const choice: TokenizerChoice = { kind: "bpe", name: FALLBACK };
  return { choice, name: `${FALLBACK} of gpt-tokenizer` };
}

/** `owner/name` or `name`; nothing that could lead out of the directory. */
const NAME = /^[A-Za-z0-9][\w.-]{0,99}(?:\/[A-Za-z0-9][\w.-]{0,99})?$/;

async function byName(
  name: string,
  tokenizersDir: string | undefined,
): Promise<TokenizerChoice | undefined> {
  const inside = BPE_NAMES.find((known) => known === name);
  if (inside !== undefined) return { kind: "bpe", name: inside };
  if (tokenizersDir === undefined || !NAME.test(name)) return undefined;
  const path = join(tokenizersDir, name, "tokenizer.json");
  return (await isFile(path)) ? { kind: "file", path } : undefined;
}

/** Only for the operator: a task must not point to files. */
async function byPath(path: string): Promise<TokenizerChoice | undefined> {
  for (const file of [path, join(path, "tokenizer.json")]) {
    if (await isFile(file)) return { kind: "file", path: file };
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
