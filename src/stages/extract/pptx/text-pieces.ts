/**
 * Cuts the text of a slide into the pieces that become rows. Knows nothing of rows.
 * Source: spec pipeline-and-stages.md 5.4 (`text_depth`, hierarchy).
 */
import type { TextDepth } from "../extract-params.js";
import type { SlideShape } from "./read-pptx.js";
import type { Frame } from "./slide-shapes.js";
import type { TextParagraph } from "./text-frame.js";

/** Indexes count from 0 and are -1 where the piece is more than one of them. */
export interface TextPiece {
  readonly text: string;
  readonly page: number;
  readonly block: number;
  readonly line: number;
  readonly span: number;
  /** The shape's place; undefined for whole slides, and where it is not known. */
  readonly frame: Frame | undefined;
}

/** The pieces in order. At depths `page` and `document` one for the slide, if it has any text. */
export function slidePieces(
  shapes: readonly SlideShape[],
  page: number,
  depth: TextDepth,
): TextPiece[] {
  if (depth === "page" || depth === "document") {
    const text = shapes.map((shape) => joined(shape.paragraphs ?? [])).join("");
    if (text === "") return [];
    return [{ text, page, block: -1, line: -1, span: -1, frame: undefined }];
  }
  return shapes.flatMap(({ paragraphs, frame }, block) => {
    if (paragraphs === undefined) return [];
    const place = { page, block, line: -1, span: -1, frame };
    // Upstream gives a row for a text shape also when nothing was written in it.
    if (depth === "block") return [{ ...place, text: joined(paragraphs) }];
    return paragraphs.flatMap((paragraph) => {
      const line = paragraph.index;
      if (depth === "line") return [{ ...place, line, text: joined([paragraph]) }];
      return paragraph.spans.map(({ index, text }) => ({ ...place, line, span: index, text }));
    });
  });
}

/** Two line ends after each paragraph, never more. */
function joined(paragraphs: readonly TextParagraph[]): string {
  const parts: string[] = [];
  for (const { spans } of paragraphs) {
    for (const { text } of spans) parts.push(text);
    const last = parts.at(-1);
    if (last !== undefined && !last.endsWith("\n\n")) parts.push("\n\n");
  }
  return parts.join("");
}
