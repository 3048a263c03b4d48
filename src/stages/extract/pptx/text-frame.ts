/**
 * Writes the text of a shape as Markdown, paragraph by paragraph and run by run.
 * Source: spec pipeline-and-stages.md 5.4.
 */
import { styleText, underlineWith } from "../ooxml/markdown/styled-text.js";
import { isBlank, strip } from "../ooxml/markdown/text-edges.js";
import type { Relationships } from "../ooxml/ooxml-package.js";
import {
  childrenOf,
  descend,
  elementsOf,
  integerOf,
  textOf,
  type XmlElement,
} from "../ooxml/xml/xml-element.js";
import { escapeMarkdown } from "./markdown-escape.js";

export interface TextSpan {
  /** Index of the run in its paragraph. */
  readonly index: number;
  readonly text: string;
}

/** A paragraph that is not blank. Its spans may be none: of a title only the first run speaks. */
export interface TextParagraph {
  readonly index: number;
  readonly spans: readonly TextSpan[];
}

const TITLES = new Set(["title", "ctrTitle"]);
/** Levels of a list in PowerPoint are 0 to 8. */
const LEVEL_MAX = 8;

/** The paragraphs of a shape's text, or undefined when the shape holds no text at all. */
export function textFrame(
  shape: XmlElement,
  placeholderType: string | undefined,
  relationships: Relationships,
): TextParagraph[] | undefined {
  const body = descend(shape, "p:txBody");
  if (body === undefined) return undefined;
  const paragraphs = childrenOf(body, "a:p");
  if (placeholderType !== undefined && TITLES.has(placeholderType)) {
    return titleParagraphs(body, "=");
  }
  if (placeholderType === "subTitle") return titleParagraphs(body, "-");
  const isList = paragraphs.some((paragraph) => levelOf(paragraph) !== 0);
  return paragraphs.flatMap((paragraph, index) =>
    isBlank(plainText(paragraph))
      ? []
      : [{ index, spans: paragraphSpans(paragraph, isList, relationships) }],
  );
}

/** The text without any mark, as titles and tables show it: paragraphs and breaks are line ends. */
export function frameText(body: XmlElement | undefined): string {
  return childrenOf(body, "a:p").map(plainText).join("\n");
}

/** The first run that has text stands for the whole title; it is neither escaped nor styled. */
function titleParagraphs(body: XmlElement, mark: "=" | "-"): TextParagraph[] {
  let isTold = false;
  return childrenOf(body, "a:p").flatMap((paragraph, index) => {
    if (isBlank(plainText(paragraph))) return [];
    const first = childrenOf(paragraph, "a:r").findIndex((run) => runText(run) !== "");
    if (first === -1 || isTold) return [{ index, spans: [] }];
    isTold = true;
    const text = underlineWith(mark, strip(frameText(body)));
    return [{ index, spans: [{ index: first, text }] }];
  });
}

function paragraphSpans(
  paragraph: XmlElement,
  isList: boolean,
  relationships: Relationships,
): TextSpan[] {
  const spans: TextSpan[] = [];
  let breaks = "";
  let index = -1;
  for (const child of elementsOf(paragraph)) {
    if (child.name === "a:br" && spans.length > 0) breaks = "\n";
    if (child.name !== "a:r") continue;
    index += 1;
    if (runText(child) === "") continue;
    const marked = styledRun(child, descend(paragraph, "a:pPr", "a:defRPr"), relationships);
    const bullet = isList && spans.length === 0 ? `${"  ".repeat(levelOf(paragraph))}* ` : "";
    spans.push({ index, text: breaks + bullet + marked });
    breaks = "";
  }
  return spans;
}

/** Only one style is written: of several the first in the order accent, strong, underlined. */
function styledRun(
  run: XmlElement,
  paragraphFont: XmlElement | undefined,
  relationships: Relationships,
): string {
  const font = descend(run, "a:rPr");
  const fonts = [paragraphFont, font];
  const link = descend(font, "a:hlinkClick")?.attributes["r:id"];
  const address = link === undefined ? undefined : relationships.get(link)?.reference;
  const escaped = escapeMarkdown(runText(run));
  const text = address ? `[${escaped}](${address})` : escaped;
  const style = { bold: false, italic: false, underline: false };
  if (fonts.some((one) => isOn(one, "i") || /^accent[1-6]$/.test(themeColour(one)))) {
    style.italic = true;
  } else if (fonts.some((one) => isOn(one, "b") || /^dk[12]$/.test(themeColour(one)))) {
    style.bold = true;
  } else {
    style.underline = fonts.some((one) => (one?.attributes.u ?? "none") !== "none");
  }
  return styleText(text, style);
}

function isOn(font: XmlElement | undefined, attribute: string): boolean {
  const value = font?.attributes[attribute];
  return value === "1" || value === "true";
}

function themeColour(font: XmlElement | undefined): string {
  return descend(font, "a:solidFill", "a:schemeClr")?.attributes.val ?? "";
}

function levelOf(paragraph: XmlElement): number {
  const level = integerOf(descend(paragraph, "a:pPr"), "lvl") ?? 0;
  return Math.min(Math.max(level, 0), LEVEL_MAX);
}

function plainText(paragraph: XmlElement): string {
  return elementsOf(paragraph)
    .map((child) => {
      if (child.name === "a:br") return "\n";
      return child.name === "a:r" || child.name === "a:fld" ? runText(child) : "";
    })
    .join("");
}

function runText(run: XmlElement): string {
  return textOf(descend(run, "a:t"));
}
