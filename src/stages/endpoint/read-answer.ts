/** Reads what a model's server answers, in bounds, and what it says when it refuses. */
import { KiB } from "../../core/index.js";
import { withoutKey } from "./api-key.js";

const REFUSAL_BYTES = 8 * KiB;
const REFUSAL_LENGTH_MAX = 300;
const WORDS_DEPTH_MAX = 4;

type Body = ReadableStream<Uint8Array> | null;

/** The body; undefined as soon as it has more than `maxBytes`, and then no more of it is read. */
export async function readBounded(body: Body, maxBytes: number): Promise<Buffer | undefined> {
  const { bytes, isWhole } = await readStart(body, maxBytes);
  return isWhole ? bytes : undefined;
}

async function readStart(body: Body, maxBytes: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  const bytes = Buffer.concat(chunks, length);
  return { bytes: bytes.subarray(0, maxBytes), isWhole: length <= maxBytes };
}

/** Undefined for anything but JSON in UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * What the server says of its refusal: its message where the body is JSON of a known form, else the
 * body's beginning, on one line, cut, and without the key, which some servers repeat.
 */
export async function refusalText(body: Body, apiKey: string | undefined): Promise<string> {
  const { bytes, isWhole } = await readStart(body, REFUSAL_BYTES);
  const json = isWhole ? parseJson(bytes) : undefined;
  const said = json === undefined ? bytes.toString("utf8") : (wordsOf(json) ?? "");
  const open = withoutKey(said, apiKey);
  // Where the body was cut its end may be half of a key, at most with each character escaped.
  const kept = isWhole ? open : open.slice(0, Math.max(0, open.length - 2 * (apiKey?.length ?? 0)));
  const line = kept.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > REFUSAL_LENGTH_MAX ? `${line.slice(0, REFUSAL_LENGTH_MAX)}…` : line;
}

/** `{error: {message}}`, `{error}`, `{message}`, `{detail}` and `{detail: [{msg}]}`. */
function wordsOf(json: unknown, depth = 0): string | undefined {
  if (typeof json === "string") return json;
  if (typeof json !== "object" || json === null || depth > WORDS_DEPTH_MAX) return undefined;
  if (Array.isArray(json)) return wordsOf(json[0], depth + 1);
  const { error, message, detail, msg } = json as Readonly<Record<string, unknown>>;
  for (const each of [error, message, detail, msg]) {
    const words = wordsOf(each, depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}
