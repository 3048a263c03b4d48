/** Puts Markdown around text that is bold, italic or underlined, or that is a title. */
import { lengthOf, splitEdges } from "./text-edges.js";

export interface TextStyle {
  readonly bold: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
}

/** The marks go around the text, blanks at its ends stay outside; blank text gets none. */
export function styleText(text: string, style: TextStyle): string {
  const [before, core, after] = splitEdges(text);
  if (core === "") return text;
  let styled = core;
  if (style.bold) styled = `**${styled}**`;
  if (style.italic) styled = `*${styled}*`;
  if (style.underline) styled = `<u>${styled}</u>`;
  return before + styled + after;
}

/** The text over a line of `mark`, as long as the text. */
export function underlineWith(mark: "=" | "-", text: string): string {
  return `${text}\n${mark.repeat(lengthOf(text))}`;
}
