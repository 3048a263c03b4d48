/** Dates as PDF writes them: `D:YYYYMMDDHHmmSSOHH'mm'`, everything after the year optional. */

const PDF_DATE =
  /^(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:(Z)|([+-])(\d{2})(?:'?(\d{2}))?)?/;

/**
 * The date in UTC as ISO 8601 without a zone, for example `2022-10-05T21:49:26`; `undefined` when
 * the text is no date. Without a zone of its own the date is taken as UTC.
 */
export function parsePdfDate(text: string): string | undefined {
  const found = PDF_DATE.exec(text.trim());
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second] = found.map((part) =>
    Number(part ?? Number.NaN),
  );
  const sign = found[8] === "-" ? -1 : 1;
  const offsetMinutes = sign * (Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0));
  const parts = [or(month, 1), or(day, 1), or(hour, 0), or(minute, 0), or(second, 0)] as const;
  if (!isCalendarDate(year as number, parts)) return undefined;
  const [m, d, h, min, s] = parts;
  const date = new Date(Date.UTC(year as number, m - 1, d, h, min, s));
  if ((year as number) < 100) date.setUTCFullYear(year as number);
  date.setTime(date.getTime() - offsetMinutes * 60_000);
  return date.getUTCFullYear() < 0 ? undefined : date.toISOString().slice(0, 19);
}

const or = (value: number | undefined, fallback: number) =>
  value === undefined || Number.isNaN(value) ? fallback : value;

function isCalendarDate(
  year: number,
  [month, day, hour, minute, second]: readonly [number, number, number, number, number],
): boolean {
  const daysInMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  return (
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysInMonth &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59
  );
}
