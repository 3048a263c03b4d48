/**
 * Writes Markdown piece by piece: words, breaks, marks, indented and quoted blocks.
 *
 * White space and line ends are only noted and written when text follows, so that none stands at the
 * start or end of a block, inside of marks, or after an item that stayed empty. Knows no HTML.
 */

/** A mark around text, such as `**`; it is written with the first text that it holds. */
export interface Mark {
  readonly opens: string;
  readonly closes: string;
  /** Marks that must not be open over a paragraph's end are closed before it and opened after. */
  readonly reopens: boolean;
}

interface OpenMark extends Mark {
  isWritten: boolean;
  /** Where in the output it begins, once it is written. */
  at: number;
}

/** A block whose lines begin with something: a list item, a quote. */
interface Indent {
  readonly first: string;
  readonly rest: string;
  isStarted: boolean;
}

/** Deeper blocks are written at this depth, so that nesting does not multiply the output. */
const INDENTS_MAX = 16;

export class MarkdownWriter {
  readonly #out: string[] = [];
  readonly #marks: OpenMark[] = [];
  readonly #indents: Indent[] = [];
  /** Everything on one line: what would be a break becomes a blank. */
  readonly #isInline: boolean;
  #newlines = 0;
  #breaks = 0;
  #blank = "";
  #isLineStart = true;
  /** Nesting of indents that were over the limit and are not written. */
  #deeper = 0;

  constructor(options: { readonly isInline: boolean }) {
    this.#isInline = options.isInline;
  }

  /** Text as it stands in a page: runs of white space are one blank or one line end. */
  text(raw: string): void {
    const text = raw.replaceAll(/[ \t\n\f\r]+/g, (run) => (run.includes("\n") ? "\n" : " "));
    const from = text.startsWith(" ") || text.startsWith("\n") ? 1 : 0;
    if (from === 1) this.space(text.slice(0, 1));
    const hasBlankEnd = text.length > 1 && (text.endsWith(" ") || text.endsWith("\n"));
    const core = text.slice(from, hasBlankEnd ? -1 : undefined);
    if (core !== "") this.raw(core);
    if (hasBlankEnd) this.space(text.slice(-1));
  }

  /** Writes text as it is. Line ends in it stay in the block that is open. */
  raw(text: string): void {
    this.#flush();
    for (const mark of this.#marks) {
      if (mark.isWritten) continue;
      mark.isWritten = true;
      mark.at = this.#out.length;
      this.#out.push(mark.opens);
    }
    this.#out.push(
      this.#isInline ? text.replaceAll("\n", " ") : text.replaceAll("\n", `\n${this.#prefix()}`),
    );
  }

  space(blank = " "): void {
    if (this.#blank !== "\n") this.#blank = this.#isInline ? " " : blank;
  }

  /** A line end inside of a paragraph. */
  lineBreak(): void {
    if (this.#isInline || this.#marks.some((mark) => !mark.reopens)) this.space();
    else this.#breaks += 1;
  }

  /** At least this many line ends before the next text: 1 for a new line, 2 for a new block. */
  block(newlines: 1 | 2): void {
    // A block that just began already starts on a line of its own.
    if (this.#deeper === 0 && this.#indents.at(-1)?.isStarted === false) return;
    if (this.#isInline || this.#marks.some((mark) => !mark.reopens)) this.space();
    else this.#newlines = Math.max(this.#newlines, newlines);
  }

  /** Opens a mark, unless the same one is open already; then `close` gets undefined. */
  open(mark: Mark): Mark | undefined {
    if (this.#marks.some((open) => open.opens === mark.opens)) return undefined;
    this.#marks.push({ ...mark, isWritten: false, at: 0 });
    return mark;
  }

  /**
   * Closes the mark that was opened last. `replace` gets the text inside and may give another one for
   * the whole.
   */
  close(mark: Mark | undefined, replace?: (inside: string) => string | undefined): void {
    if (mark === undefined) return;
    const open = this.#marks.pop();
    if (open?.isWritten !== true) return;
    const replacement = replace?.(this.#out.slice(open.at + 1).join(""));
    if (replacement === undefined) this.#out.push(open.closes);
    else this.#out.splice(open.at, Number.POSITIVE_INFINITY, replacement);
  }

  /** Begins a block whose first line starts with `first` and whose other lines with `rest`. */
  indent(first: string, rest: string): void {
    if (this.#isInline) return;
    if (this.#indents.length < INDENTS_MAX) {
      this.#indents.push({ first, rest, isStarted: false });
    } else this.#deeper += 1;
  }

  /** Ends the block; what follows is at most one line end away unless it asks for more. */
  outdent(): void {
    if (this.#isInline) return;
    this.#newlines = Math.min(this.#newlines, 1);
    if (this.#deeper > 0) this.#deeper -= 1;
    else this.#indents.pop();
  }

  /** All that was written, without blanks at the ends. */
  toString(): string {
    return this.#out.join("").trim();
  }

  #flush(): void {
    const isFresh = this.#out.length === 0;
    if (!isFresh && (this.#newlines > 0 || this.#breaks > 1)) {
      const count = this.#breaks > 1 ? 2 : this.#newlines;
      this.#suspendMarks();
      // A block that just began gets its first line from `#prefix` below; the blank line before it
      // belongs to those blocks only that go on.
      const blankLine = this.#indents
        .map((indent) => (indent.isStarted ? indent.rest : ""))
        .join("");
      this.#out.push(count === 2 ? `\n${blankLine.trimEnd()}\n` : "\n");
      this.#isLineStart = true;
    } else if (!isFresh && this.#breaks === 1) {
      this.#out.push("  \n", this.#prefix());
    } else if (!isFresh && !this.#isLineStart && this.#blank !== "") {
      this.#out.push(this.#blank === "\n" ? `\n${this.#prefix()}` : this.#blank);
    }
    this.#newlines = 0;
    this.#breaks = 0;
    this.#blank = "";
    if (this.#isLineStart) this.#out.push(this.#prefix());
    this.#isLineStart = false;
  }

  #suspendMarks(): void {
    for (const mark of [...this.#marks].reverse()) {
      if (mark.isWritten) this.#out.push(mark.closes);
      mark.isWritten = false;
    }
  }

  #prefix(): string {
    let prefix = "";
    for (const indent of this.#indents) {
      prefix += indent.isStarted ? indent.rest : indent.first;
      indent.isStarted = true;
    }
    return prefix;
  }
}
