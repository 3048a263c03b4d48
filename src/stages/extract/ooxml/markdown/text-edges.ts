/**
 * White space as Python sees it, for texts that must equal those of the original byte for byte.
 *
 * JavaScript's own `trim` also takes the byte order mark and leaves some control characters. Written
 * as loops: a regular expression anchored at the end takes quadratic time on long blank stretches.
 */
const BLANKS = new Set(
  [
    ..."\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005",
    ..."\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
  ].map((char) => char.charCodeAt(0)),
);

/** `[blanks, core, blanks]`; of text that is all blank the core is empty. */
export function splitEdges(text: string): [string, string, string] {
  let from = 0;
  while (from < text.length && BLANKS.has(text.charCodeAt(from))) from++;
  let to = text.length;
  while (to > from && BLANKS.has(text.charCodeAt(to - 1))) to--;
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

export function strip(text: string): string {
  return splitEdges(text)[1];
}

export function isBlank(text: string): boolean {
  return strip(text) === "";
}

/** Number of code points, as lengths are counted in the original. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
