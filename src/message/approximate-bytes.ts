/** About how much memory a message holds, so that many messages in work can be bounded. */

/** What a member costs besides its content. */
const MEMBER_BYTES = 16;
const NUMBER_BYTES = 8;

interface Sized {
  readonly payload: readonly unknown[];
}

/**
 * The bytes of texts, binaries and numbers in the rows of a message; tasks and metadata are small
 * beside them and are left out. A text counts one byte per character. Visits each member once, and
 * of a list of numbers only the first. What cannot be looked at, such as a getter that throws, counts
 * nothing.
 */
export function approximateBytes({ payload }: Sized): number {
  let bytes = 0;
  const seen = new Set<object>();
  const pending: unknown[] = [payload];
  while (pending.length > 0) {
    const item = pending.pop();
    if (typeof item === "string") bytes += item.length;
    if (typeof item !== "object" || item === null) continue;
    if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) bytes += item.byteLength;
    else if (Array.isArray(item) && typeof item[0] === "number")
      bytes += item.length * NUMBER_BYTES;
    else if (!seen.has(item)) {
      seen.add(item);
      for (const value of valuesOf(item)) {
        bytes += MEMBER_BYTES;
        if (typeof value === "string") bytes += value.length;
        else if (typeof value === "object") pending.push(value);
      }
    }
  }
  return bytes;
}

function valuesOf(item: object): unknown[] {
  try {
    return Object.values(item);
  } catch {
    return [];
  }
}
