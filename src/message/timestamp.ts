/** What may be given as a timestamp, turned into nanoseconds since 1970. */

const ISO_TEXT = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,](\d+))?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * @param value nanoseconds since 1970, a `Date`, or ISO 8601 text (up to nine digits of a second).
 * @throws TypeError for anything else, an invalid `Date` and text that names no time.
 */
export function toNanoseconds(value: bigint | Date | string): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof Date) return fromMilliseconds(value.getTime());
  const parts = typeof value === "string" ? ISO_TEXT.exec(value) : null;
  if (parts === null) throw wrong();
  // Date.parse reads milliseconds only, so the fraction of the second is added by hand.
  const fraction = parts[4] ?? "";
  const whole = value.replace(parts[3] ?? "", "").replace(" ", "T");
  return fromMilliseconds(Date.parse(whole)) + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

function fromMilliseconds(ms: number): bigint {
  if (!Number.isFinite(ms)) throw wrong();
  return BigInt(ms) * 1_000_000n;
}

function wrong(): TypeError {
  return new TypeError(
    "A timestamp must be nanoseconds since 1970 as a bigint, a valid Date, or ISO 8601 text.",
  );
}
