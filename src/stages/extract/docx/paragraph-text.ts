/**
 * Writes the text of one paragraph: its runs with their styles, its links, its pictures as marks.
 * Source: spec pipeline-and-stages.md 5.3.
 */

import { styleText, type TextStyle, underlineWith } from "../ooxml/markdown/styled-text.js";
import { isBlank, strip } from "../ooxml/markdown/text-edges.js";
import type { Relationships } from "../ooxml/ooxml-package.js";
import {
  descend,
  descendantsOf,
  elementsOf,
  integerOf,
  textOf,
  type XmlElement,
} from "../ooxml/xml/xml-element.js";
import { type ParagraphStyle, type ParagraphStyles, runStyleOf } from "./docx-styles.js";

/** What paragraphs share while a document is read from its beginning to its end. */
export interface DocxContext {
  readonly styles: ParagraphStyles;
  readonly relationships: Relationships;
  /** The block that is being read. */
  block: number;
  /** The pictures that the text has marked so far, the first as `<image 1>`. */
  readonly pictures: PictureMark[];
}

export interface PictureMark {
  /** The block that it stands in. */
  readonly block: number;
  readonly relationshipId: string;
}

interface Piece {
  readonly text: string;
  readonly style: TextStyle;
}

/**
 * Content that stands between a paragraph and its runs without being text of its own: insertions
 * that were not yet accepted, smart tags, content controls, simple fields. Deletions are not in it.
 */
const TRANSPARENT = new Set(
  ["ins", "moveTo", "smartTag", "customXml", "sdt", "sdtContent", "fldSimple", "dir", "bdo"].map(
    (name) => `w:${name}`,
  ),
);

/** Deeper nested lists than any program makes; the number in the file may be anything. */
const LIST_LEVEL_MAX = 9;

/** The paragraph's text, stripped, without what its style adds. */
export function paragraphText(paragraph: XmlElement, context: DocxContext): string {
  const style = styleOf(paragraph, context);
  let text = "";
  let group = "";
  let groupStyle: TextStyle | undefined;
  for (const piece of piecesOf(paragraph, style, context)) {
    if (!isBlank(piece.text)) {
      if (groupStyle !== undefined && !isSame(groupStyle, piece.style)) {
        text += styleText(group, groupStyle);
        group = "";
      }
      groupStyle = piece.style;
    }
    group += piece.text;
  }
  return strip(text + (groupStyle === undefined ? group : styleText(group, groupStyle)));
}

/** The text with the marks of a heading, a list, a title and a numbering level, and a line end. */
export function blockText(paragraph: XmlElement, context: DocxContext): string {
  const { name } = styleOf(paragraph, context);
  let text = paragraphText(paragraph, context);
  if (/^Heading [1-9]$/.test(name)) text = `${"#".repeat(Number(name.at(-1)))} ${text}`;
  else if (name.startsWith("List")) text = `- ${text}`;
  else if (name === "Title") text = underlineWith("=", text);
  else if (name === "Subtitle") text = underlineWith("-", text);
  const numbering = descend(paragraph, "w:pPr", "w:numPr", "w:ilvl");
  const level = integerOf(numbering, "w:val") ?? 0;
  return `${"\t".repeat(Math.min(Math.max(level, 0), LIST_LEVEL_MAX))}${text}\n`;
}

function styleOf(paragraph: XmlElement, { styles }: DocxContext): ParagraphStyle {
  const id = descend(paragraph, "w:pPr", "w:pStyle")?.attributes["w:val"];
  return (id === undefined ? undefined : styles.byId.get(id)) ?? styles.fallback;
}

function isSame(a: TextStyle, b: TextStyle): boolean {
  return a.bold === b.bold && a.italic === b.italic && a.underline === b.underline;
}

function piecesOf(parent: XmlElement, style: ParagraphStyle, context: DocxContext): Piece[] {
  return elementsOf(parent).flatMap((child) => {
    if (child.name === "w:r") {
      return [{ text: runText(child, context), style: runStyle(child, style) }];
    }
    if (child.name === "w:hyperlink") return [linkPiece(child, style, context)];
    return TRANSPARENT.has(child.name) ? piecesOf(child, style, context) : [];
  });
}

/** The address of a place inside of the document is empty, as upstream has it. */
function linkPiece(link: XmlElement, style: ParagraphStyle, context: DocxContext): Piece {
  const runs = runsOf(link);
  const target = context.relationships.get(link.attributes["r:id"] ?? "");
  const text = runs.map((run) => runText(run, context)).join("");
  return { text: `[${text}](${target?.reference ?? ""})`, style: runStyle(runs[0], style) };
}

function runsOf(parent: XmlElement): XmlElement[] {
  return elementsOf(parent).flatMap((child) => {
    if (child.name === "w:r") return [child];
    return TRANSPARENT.has(child.name) ? runsOf(child) : [];
  });
}

function runStyle(run: XmlElement | undefined, paragraph: ParagraphStyle): TextStyle {
  const own = runStyleOf(descend(run, "w:rPr"));
  return {
    bold: own.bold ?? paragraph.bold ?? false,
    italic: own.italic ?? paragraph.italic ?? false,
    underline: own.underline ?? paragraph.underline ?? false,
  };
}

function runText(run: XmlElement, context: DocxContext): string {
  let text = "";
  for (const child of elementsOf(run)) text += charsOf(child);
  const blips = descendantsOf(run, "w:drawing").flatMap((drawing) =>
    descendantsOf(drawing, "a:blip"),
  );
  for (const { attributes } of blips) {
    const { "r:embed": relationshipId } = attributes;
    if (relationshipId === undefined) continue;
    const number = context.pictures.push({ block: context.block, relationshipId });
    text += `<image ${number}>`;
  }
  return text;
}

function charsOf(child: XmlElement): string {
  switch (child.name) {
    case "w:t":
      return textOf(child);
    case "w:tab":
    case "w:ptab":
      return "\t";
    case "w:cr":
      return "\n";
    case "w:br":
      return (child.attributes["w:type"] ?? "textWrapping") === "textWrapping" ? "\n" : "";
    case "w:noBreakHyphen":
      return "-";
    default:
      return "";
  }
}
