/** Where sentences end, in the language of the text as far as it is known. */
import { OffsetList } from "./offset-list.js";

/** The segmenter of Node 20 takes a time that grows with the square of the text's length. */
const WINDOW_LENGTH = 4_096;

/** The end of each sentence, with the blanks behind it; the last one is the end of the text. */
export function sentenceEnds(text: string, language: string): OffsetList {
  const code = /^[a-z]{2}(?=-|$)/.exec(language)?.[0] ?? "en";
  const segmenter = new Intl.Segmenter(code, { granularity: "sentence" });
  const ends = new OffsetList();
  for (let at = 0; at < text.length; ) {
    const window = text.slice(at, windowEnd(text, at));
    const isLast = at + window.length === text.length;
    const found = [...segmenter.segment(window)].map(
      ({ index, segment }) => index + segment.length,
    );
    // The last sentence of a window may go on behind it, unless it is longer than a window.
    if (!isLast && found.length > 1) found.pop();
    for (const end of found) ends.push(at + end);
    at += found.at(-1) ?? window.length;
  }
  return ends;
}

/** Not between the halves of a character. */
function windowEnd(text: string, at: number): number {
  const end = at + WINDOW_LENGTH;
  if (end >= text.length) return text.length;
  const isHalf = /^[\ud800-\udbff]$/.test(text.charAt(end - 1));
  return isHalf ? end + 1 : end;
}
