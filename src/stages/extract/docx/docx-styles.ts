/** Reads a document's paragraph styles: what they are called and whether they make text bold. */
import type { OoxmlPackage } from "../ooxml/ooxml-package.js";
import { childrenOf, descend, type XmlElement } from "../ooxml/xml/xml-element.js";

/** `undefined` where nothing is said, so that something else decides. */
export interface RunStyle {
  readonly bold: boolean | undefined;
  readonly italic: boolean | undefined;
  readonly underline: boolean | undefined;
}

export interface ParagraphStyle extends RunStyle {
  readonly name: string;
}

export interface ParagraphStyles {
  readonly byId: ReadonlyMap<string, ParagraphStyle>;
  /** Of paragraphs that name no style, or one that is not there. */
  readonly fallback: ParagraphStyle;
}

const NORMAL: ParagraphStyle = {
  name: "Normal",
  bold: undefined,
  italic: undefined,
  underline: undefined,
};

/** A style counts with what it says itself; upstream does not look at the style it is based on. */
export function readParagraphStyles(
  source: OoxmlPackage,
  part: string | undefined,
): ParagraphStyles {
  const root = part === undefined ? undefined : source.readXml(part);
  const byId = new Map<string, ParagraphStyle>();
  let fallback = NORMAL;
  for (const style of childrenOf(root, "w:style")) {
    if ((style.attributes["w:type"] ?? "paragraph") !== "paragraph") continue;
    const read = { name: nameOf(style), ...runStyleOf(descend(style, "w:rPr")) };
    byId.set(style.attributes["w:styleId"] ?? "", read);
    if (isOn(style.attributes["w:default"] ?? "0")) fallback = read;
  }
  return { byId, fallback };
}

/** Word stores its own headings in lower case and shows them with a capital letter. */
function nameOf(style: XmlElement): string {
  const name = descend(style, "w:name")?.attributes["w:val"] ?? "";
  return /^heading [1-9]$/.test(name) ? `H${name.slice(1)}` : name;
}

/** Bold, italic and underlined as the properties of a run or of a style say. */
export function runStyleOf(properties: XmlElement | undefined): RunStyle {
  const underline = descend(properties, "w:u")?.attributes["w:val"];
  return {
    bold: switchOf(descend(properties, "w:b")),
    italic: switchOf(descend(properties, "w:i")),
    underline: underline === undefined ? undefined : underline !== "none",
  };
}

function switchOf(element: XmlElement | undefined): boolean | undefined {
  return element === undefined ? undefined : isOn(element.attributes["w:val"] ?? "1");
}

function isOn(value: string): boolean {
  return value === "1" || value === "true" || value === "on";
}
