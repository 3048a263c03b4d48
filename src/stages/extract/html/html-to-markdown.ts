/**
 * Turns the tree of a page into Markdown.
 *
 * Walks with a stack of its own, so that nesting of any depth costs no call stack, and writes in one
 * pass, so that time grows with the page and not with its depth.
 * Source: spec pipeline-and-stages.md 5.6.
 */
import {
  checkBox,
  escapeText,
  inlineCode,
  type Leave,
  link,
  longestTicks,
  picture,
} from "./inline-elements.js";
import { type Mark, MarkdownWriter } from "./markdown-writer.js";
import { columnSpanOf, type PageRow, pageTable } from "./page-table.js";
import { attributeOf, type HtmlElement, type HtmlNode, isElement, rawText } from "./parse-page.js";

/** What is being read of one list or table, inner ones on top. */
interface OpenList {
  readonly isOrdered: boolean;
  number: number;
}
interface OpenTable {
  readonly rows: PageRow[];
}

interface Walk {
  /** The text goes to the last one; cells and headings write into one of their own. */
  readonly writers: MarkdownWriter[];
  readonly lists: OpenList[];
  readonly tables: OpenTable[];
  /** Depth of cells: inside of one, a table is only text. */
  cellDepth: number;
}

/** Content that is no text of the page. */
const DROPPED = new Set(
  ["script", "style", "template", "head", "title", "iframe", "noembed", "noframes", "meta"].concat([
    "link",
    "base",
    "object",
  ]),
);
const BLOCKS = new Set(
  "address article aside body center details dialog div fieldset figcaption figure footer form header hgroup main nav p section summary dl caption legend".split(
    " ",
  ),
);
const MARKS = new Map<string, Mark>(
  (
    [
      ["b strong", "**", "**"],
      ["i em", "*", "*"],
      ["s del strike", "~~", "~~"],
      ["u", "<u>", "</u>"],
      ["q", '"', '"'],
    ] as const
  ).flatMap(([names, opens, closes]) =>
    names.split(" ").map((name) => [name, { opens, closes, reopens: true }] as const),
  ),
);
const BULLETS = ["*", "+", "-"];

/** The Markdown of nodes of a page, stripped. */
export function htmlToMarkdown(nodes: readonly HtmlNode[]): string {
  const page = new MarkdownWriter({ isInline: false });
  const walk: Walk = { writers: [page], lists: [], tables: [], cellDepth: 0 };
  const open: { nodes: readonly HtmlNode[]; at: number; leave: (() => void) | undefined }[] = [
    { nodes, at: 0, leave: undefined },
  ];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const node = level.nodes[level.at++];
    if (node === undefined) {
      level.leave?.();
      open.pop();
    } else if (isElement(node)) {
      const leave = enter(node, walk);
      if (leave !== "skip") open.push({ nodes: node.childNodes, at: 0, leave });
    } else if (node.nodeName === "#text" && "value" in node) {
      writerOf(walk).text(escapeText(node.value));
    }
  }
  return page.toString();
}

function writerOf(walk: Walk): MarkdownWriter {
  return walk.writers.at(-1) as MarkdownWriter;
}

function enter(element: HtmlElement, walk: Walk): Leave {
  const { tagName } = element;
  const writer = writerOf(walk);
  const mark = MARKS.get(tagName);
  if (DROPPED.has(tagName)) return "skip";
  if (mark !== undefined) {
    const opened = writer.open(mark);
    return () => writer.close(opened);
  }
  if (BLOCKS.has(tagName)) return blockElement(writer);
  if (/^h[1-6]$/.test(tagName)) return heading(Number(tagName[1]), walk);
  switch (tagName) {
    case "br":
      writer.lineBreak();
      return "skip";
    case "hr":
      return rule(writer);
    case "a":
      return link(element, writer);
    case "img":
      return picture(element, writer);
    case "input":
      return checkBox(element, writer);
    case "code":
    case "kbd":
    case "samp":
      return inlineCode(element, writer);
    case "pre":
    case "listing":
    case "xmp":
      return codeBlock(element, walk);
    case "blockquote":
      return indented(writer, "> ", "> ");
    case "dt":
      writer.block(1);
      return () => writer.block(1);
    case "dd":
      return indented(writer, ":   ", "    ");
    case "ul":
    case "ol":
    case "menu":
      return list(element, walk);
    case "li":
      return listItem(walk);
    case "option":
      writer.space();
      return () => writer.space();
    default:
      return tablePart(element, walk);
  }
}

function blockElement(writer: MarkdownWriter): Leave {
  writer.block(2);
  return () => writer.block(2);
}

function indented(writer: MarkdownWriter, first: string, rest: string): Leave {
  writer.block(first === ":   " ? 1 : 2);
  writer.indent(first, rest);
  return () => {
    writer.outdent();
    writer.block(2);
  };
}

function rule(writer: MarkdownWriter): Leave {
  writer.block(2);
  writer.raw("---");
  writer.block(2);
  return "skip";
}

function heading(level: number, walk: Walk): Leave {
  const outer = writerOf(walk);
  const inner = new MarkdownWriter({ isInline: true });
  walk.writers.push(inner);
  return () => {
    walk.writers.pop();
    const text = inner.toString();
    outer.block(2);
    if (text !== "") outer.raw(walk.cellDepth > 0 ? text : `${"#".repeat(level)} ${text}`);
    outer.block(2);
  };
}

/** Inside of a cell there are no lines, so there the code stands in line. */
function codeBlock(element: HtmlElement, walk: Walk): Leave {
  const writer = writerOf(walk);
  if (walk.writers.length > 1) return inlineCode(element, writer);
  const lines = rawText(element).split(/\r\n|\r|\n/);
  while (lines.length > 0 && lines[0]?.trim() === "") lines.shift();
  while (lines.length > 0 && lines.at(-1)?.trim() === "") lines.pop();
  const text = lines.join("\n");
  if (text === "") return "skip";
  const fence = "`".repeat(Math.max(longestTicks(text) + 1, 3));
  writer.block(2);
  writer.raw(`${fence}\n${text}\n${fence}`);
  writer.block(2);
  return "skip";
}

function list(element: HtmlElement, walk: Walk): Leave {
  const writer = writerOf(walk);
  const isNested = walk.lists.length > 0;
  const start = attributeOf(element, "start")?.trim() ?? "";
  const number = /^\d{1,9}$/.test(start) ? Number(start) : 1;
  writer.block(isNested ? 1 : 2);
  walk.lists.push({ isOrdered: element.tagName === "ol", number });
  return () => {
    walk.lists.pop();
    writer.block(isNested ? 1 : 2);
  };
}

/** The sign of an unordered list goes by how many of them are open. */
function listItem(walk: Walk): Leave {
  const writer = writerOf(walk);
  const open = walk.lists.at(-1);
  const depth = walk.lists.length - 1;
  const sign = open?.isOrdered
    ? `${open.number++}. `
    : `${BULLETS[Math.max(depth, 0) % BULLETS.length]} `;
  writer.block(1);
  writer.indent(sign, " ".repeat(sign.length));
  return () => {
    writer.outdent();
    writer.block(1);
  };
}

function tablePart(element: HtmlElement, walk: Walk): Leave {
  const { tagName } = element;
  if (tagName === "table") return table(walk);
  const rows = walk.tables.at(-1)?.rows;
  if (rows === undefined || walk.cellDepth > 0)
    return tagName.startsWith("t") ? spaced(walk) : undefined;
  if (tagName === "tr") {
    rows.push({ cells: [], isHead: true });
    return undefined;
  }
  return tagName === "td" || tagName === "th" ? cell(element, walk, rows) : undefined;
}

/** What is a row or a cell of a table inside of a cell. */
function spaced(walk: Walk): Leave {
  const writer = writerOf(walk);
  writer.space();
  return () => writer.space();
}

function table(walk: Walk): Leave {
  const writer = writerOf(walk);
  writer.block(2);
  if (walk.writers.length > 1) return () => writer.block(2);
  const open: OpenTable = { rows: [] };
  walk.tables.push(open);
  return () => {
    walk.tables.pop();
    const text = pageTable(open.rows);
    writer.block(2);
    if (text !== "") writer.raw(text);
    writer.block(2);
  };
}

function cell(element: HtmlElement, walk: Walk, rows: PageRow[]): Leave {
  const row = rows.at(-1);
  if (row === undefined) return undefined;
  const inner = new MarkdownWriter({ isInline: true });
  walk.writers.push(inner);
  walk.cellDepth += 1;
  if (element.tagName === "td" && !isInHead(element)) row.isHead = false;
  return () => {
    walk.writers.pop();
    walk.cellDepth -= 1;
    const columnSpan = columnSpanOf(attributeOf(element, "colspan"));
    row.cells.push({ text: inner.toString(), columnSpan });
  };
}

function isInHead(element: HtmlElement): boolean {
  const section = element.parentNode?.nodeName === "tr" ? element.parentNode.parentNode : null;
  return section?.nodeName === "thead";
}
