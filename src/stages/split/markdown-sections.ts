/**
 * Finds the sections of a Markdown text and the pieces inside of them that should stay whole: lines,
 * and blocks of code between fences. Headings are those of CommonMark, with `#` in front or with a
 * line under them; a `#` in a block of code is none.
 */
import { OffsetList } from "./offset-list.js";

export interface MarkdownSections {
  /** Where each piece ends; blank lines belong to the piece before them. */
  readonly pieceEnds: OffsetList;
  /** The piece that each section begins with; the first section begins with the text. */
  readonly sectionStarts: OffsetList;
}

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const HEADING = /^ {0,3}#{1,6}(?=[ \t\r]|$)/;
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*\r?$/;

export function markdownSections(text: string): MarkdownSections {
  const reader = new SectionReader();
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.indexOf("\n", at);
    const end = lineEnd === -1 ? text.length : lineEnd + 1;
    reader.line(text.slice(at, lineEnd === -1 ? end : lineEnd), end);
    at = end;
  }
  return reader;
}

class SectionReader implements MarkdownSections {
  readonly pieceEnds = new OffsetList();
  readonly sectionStarts = new OffsetList();
  /** What opened the block of code that is being read. */
  #fence: string | undefined;
  /** The first line of the paragraph at hand, as a piece. */
  #paragraph: number | undefined;

  line(line: string, end: number): void {
    if (this.#fence !== undefined) {
      this.pieceEnds.setLast(end);
      if (closes(this.#fence, line)) this.#fence = undefined;
      return;
    }
    const isBlank = /^\s*$/.test(line);
    if (isBlank) this.#paragraph = undefined;
    else this.#piece(line, this.pieceEnds.length);
    if (isBlank && this.pieceEnds.length > 0) this.pieceEnds.setLast(end);
    else this.pieceEnds.push(end);
  }

  #piece(line: string, piece: number): void {
    const fence = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      this.#fence = fence;
      this.#paragraph = undefined;
    } else if (HEADING.test(line)) {
      this.#section(piece);
      this.#paragraph = undefined;
    } else if (this.#paragraph !== undefined && UNDERLINE.test(line)) {
      this.#section(this.#paragraph);
      this.#paragraph = undefined;
    } else {
      this.#paragraph ??= piece;
    }
  }

  #section(piece: number): void {
    if (this.sectionStarts.length === 0 && piece > 0) this.sectionStarts.push(0);
    this.sectionStarts.push(piece);
  }
}

/** A fence of the same sort, at least as long, and nothing behind it. */
function closes(fence: string, line: string): boolean {
  const found = /^ {0,3}(`{3,}|~{3,})[ \t]*\r?$/.exec(line)?.[1];
  return found !== undefined && found[0] === fence[0] && found.length >= fence.length;
}
