/** Values as the XML of workbooks writes them. */
import { descend, elementsOf, textOf, type XmlElement } from "../ooxml/xml/xml-element.js";

/** The text of an item, of one piece or of several; how it is spoken is left out. */
export function richText(item: XmlElement | undefined): string {
  return elementsOf(item)
    .map((child) => {
      if (child.name === "s:t") return textOf(child);
      return child.name === "s:r" ? textOf(descend(child, "s:t")) : "";
    })
    .join("");
}

export function isTrue(value: string | undefined): boolean {
  return value === "1" || value === "true";
}
