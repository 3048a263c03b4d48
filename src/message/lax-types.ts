/**
 * Scalars as nv-ingest reads them: a number may come as text, a flag as `"true"` or 1. Each gives a
 * short sentence when the value does not fit, and never shows the value.
 */
import { z } from "zod";

/** Longer texts are no numbers that any member means; nothing is searched in them. */
const NUMBER_TEXT_LENGTH_MAX = 40;
const WHOLE_NUMBER_TEXT = /^\s*[+-]?\d+\s*$/;
const TRUE_TEXTS: ReadonlySet<string> = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE_TEXTS: ReadonlySet<string> = new Set(["false", "f", "no", "n", "off", "0"]);
/** The largest time that nv-ingest can hold: nanoseconds as a signed integer of 64 bits. */
const NANOSECONDS_MAX = 2n ** 63n - 1n;

/** A type that reads values with `read`, for which undefined means "does not fit". */
function lax<T>(expected: string, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    const message = value === undefined ? "is missing" : `must be ${expected}`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

export function laxInteger(min: number, max = Number.MAX_SAFE_INTEGER) {
  const upTo = max === Number.MAX_SAFE_INTEGER ? "or more" : `to ${max}`;
  const expected =
    min === Number.MIN_SAFE_INTEGER ? "a whole number" : `a whole number, ${min} ${upTo}`;
  return lax(expected, (value) => {
    const number = numberOf(value);
    return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
  });
}

export function laxNumber(min = -Number.MAX_VALUE, max = Number.MAX_VALUE) {
  const expected = min === -Number.MAX_VALUE ? "a number" : `a number from ${min} to ${max}`;
  return lax(expected, (value) => {
    const number = numberOf(value);
    return number >= min && number <= max ? number : undefined;
  });
}

export function laxBoolean() {
  return lax("true or false", (value) => {
    if (typeof value === "boolean") return value;
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text !== "string" || text.length > NUMBER_TEXT_LENGTH_MAX) return undefined;
    if (TRUE_TEXTS.has(text.toLowerCase())) return true;
    return FALSE_TEXTS.has(text.toLowerCase()) ? false : undefined;
  });
}

/** Text, or a whole number as its decimal text. */
export function textOrInteger() {
  return lax("a text or a whole number", (value) => {
    if (typeof value === "string") return value;
    return Number.isSafeInteger(value) ? String(value) : undefined;
  });
}

/** Nanoseconds since 1970. A JSON number of today's size is exact to about 256 ns, text exactly. */
export function laxNanoseconds() {
  return lax("a whole number of nanoseconds since 1970", (value) => {
    const isNumber = typeof value === "number" && Number.isInteger(value);
    const nanoseconds = isNumber || isWholeNumberText(value) ? BigInt(value) : -1n;
    return nanoseconds >= 0n && nanoseconds <= NANOSECONDS_MAX ? nanoseconds : undefined;
  });
}

/** One of the texts of a table, in any case; `read` may replace aliases first. */
export function anyCase<T extends string>(
  table: readonly T[],
  read: (text: string) => string = (text) => text.toLowerCase(),
) {
  const known: ReadonlySet<string> = new Set(table);
  return lax(`one of ${table.join(", ")}`, (value) => {
    const text = typeof value === "string" ? read(value) : "";
    return known.has(text) ? (text as T) : undefined;
  });
}

function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.length > NUMBER_TEXT_LENGTH_MAX) return Number.NaN;
  return value.trim() === "" ? Number.NaN : Number(value);
}

function isWholeNumberText(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length <= NUMBER_TEXT_LENGTH_MAX &&
    WHOLE_NUMBER_TEXT.test(value)
  );
}
