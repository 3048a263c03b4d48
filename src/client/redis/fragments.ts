/**
 * Results too large for one value. The records of a result are divided among fragments, each a
 * document of its own; no record is ever cut. Only Redis has them: brokers of ours take it whole.
 */
import { z } from "zod";
import { ClientErrors } from "../errors.js";

const Fragment = z.looseObject({
  data: z.unknown(),
  fragment: z.number().int().min(0).default(0),
  fragment_count: z.number().int().min(1).default(1),
});
type Fragment = z.output<typeof Fragment>;

/** Looked for before a text is parsed, which costs more than everything else. */
const SEVERAL = /"fragment_count"\s*:\s*(?!1\s*[,}])\d/;

/**
 * The documents of a result: itself when it is not longer than `maxBytes`, or is no list of records.
 * As large as can be and in order; a record that alone is longer has a fragment of its own.
 */
export function splitResult(text: string, maxBytes: number): string[] {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return [text];
  const parsed = Fragment.safeParse(parsedOr(text, undefined));
  if (!parsed.success || !Array.isArray(parsed.data.data)) return [text];
  const { data, trace, annotations, ...facts } = parsed.data;
  const groups = grouped(data, maxBytes);
  if (groups.length < 2) return [text];
  return groups.map((records, fragment) =>
    JSON.stringify({
      ...facts,
      data: records,
      fragment,
      fragment_count: groups.length,
      ...(fragment === 0 && trace !== undefined && { trace }),
      ...(fragment === 0 && annotations !== undefined && { annotations }),
    }),
  );
}

function grouped(records: readonly unknown[], maxBytes: number): unknown[][] {
  const groups: unknown[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const recordBytes = Buffer.byteLength(JSON.stringify(record) ?? "null");
    if (bytes + recordBytes > maxBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(record);
    bytes += recordBytes;
  }
  return groups;
}

/** How many fragments the result has that this is one of. */
export function fragmentCountOf(text: string): number {
  if (!SEVERAL.test(text)) return 1;
  return Fragment.safeParse(parsedOr(text, undefined)).data?.fragment_count ?? 1;
}

/**
 * One result of its fragments, in whatever order they were pushed, and each of them once: a second
 * copy, as an older sink pushes when it tries again, is left out. A single one stays as it is.
 *
 * @throws CLIENT_FRAGMENTS_INVALID when one is missing, unreadable, or of another result, which is
 *   known by other records under the same number.
 */
export function joinFragments(texts: readonly string[]): string {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined && !SEVERAL.test(only)) return only;
  const byIndex = new Map<number, Fragment>();
  let count: number | undefined;
  for (const [position, text] of texts.entries()) {
    const { success, data } = Fragment.safeParse(parsedOr(text, undefined));
    if (!success) throw invalid(`element ${position} cannot be read`);
    count ??= data.fragment_count;
    if (data.fragment_count !== count) {
      throw invalid(`they say that there are ${count} and ${data.fragment_count} of them`);
    }
    const { fragment } = data;
    if (fragment >= count) throw invalid(`fragment ${fragment} of ${count} does not exist`);
    const before = byIndex.get(fragment);
    if (before === undefined) byIndex.set(fragment, data);
    else if (JSON.stringify(before.data) !== JSON.stringify(data.data)) {
      throw invalid(`there are two of number ${fragment}, and they differ`);
    }
  }
  const total = count ?? 0;
  const sorted = Array.from({ length: total }, (_, index) => byIndex.get(index));
  const missing = sorted.flatMap((part, index) => (part === undefined ? [index] : []));
  if (missing.length > 0)
    throw invalid(`${missing.length} of ${total} are missing: ${missing.slice(0, 5)}`);
  const parts = sorted as Fragment[];
  const [first] = parts;
  const data = parts.flatMap((part) => (Array.isArray(part.data) ? part.data : []));
  return JSON.stringify({ ...first, data, fragment: 0, fragment_count: 1 });
}

/** Whether all fragments are there, each at least once, or something that no waiting repairs. */
export function isComplete(texts: readonly string[]): boolean {
  const [first] = texts;
  if (first === undefined) return false;
  const count = fragmentCountOf(first);
  if (count === 1 || texts.length < count) return texts.length >= count;
  const found = new Set<number>();
  for (const text of texts) {
    const { data } = Fragment.safeParse(parsedOr(text, undefined));
    if (data?.fragment_count !== count || data.fragment >= count) return true;
    found.add(data.fragment);
  }
  return found.size === count;
}

function invalid(reason: string): Error {
  return ClientErrors.FRAGMENTS_INVALID({ reason });
}

function parsedOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return otherwise;
  }
}
