/**
 * Reads the cells of a table as texts, merged cells repeated in every place that they cover.
 * Source: spec pipeline-and-stages.md 5.3 (cell paragraphs are joined by `<br>`).
 */
import { descend, elementsOf, integerOf, type XmlElement } from "../ooxml/xml/xml-element.js";
import { type DocxContext, paragraphText } from "./paragraph-text.js";

/** Word itself allows 63; a file may claim that one cell covers billions. */
const COLUMNS_MAX = 256;

/** Rows, cells and content may stand in content controls and custom XML. */
const WRAPPERS = new Set(["w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo"]);

/** The texts by row and column of the grid. */
export function tableCells(table: XmlElement, context: DocxContext): string[][] {
  const rows: string[][] = [];
  for (const row of unwrapped(table, "w:tr")) {
    const above = rows.at(-1) ?? [];
    const texts: string[] = [];
    for (const cell of unwrapped(row, "w:tc")) {
      const properties = descend(cell, "w:tcPr");
      const merge = descend(properties, "w:vMerge");
      const goesOn = merge !== undefined && merge.attributes["w:val"] !== "restart";
      const text = goesOn ? (above[texts.length] ?? "") : cellText(cell, context);
      const span = Math.max(integerOf(descend(properties, "w:gridSpan"), "w:val") ?? 1, 1);
      for (let column = 0; column < span && texts.length < COLUMNS_MAX; column++) texts.push(text);
    }
    rows.push(texts);
  }
  return rows;
}

function cellText(cell: XmlElement, context: DocxContext): string {
  return cellLines(cell, context).join("<br>");
}

/** A table inside of the cell gives a line for each of its paragraphs, so that none is lost. */
function cellLines(parent: XmlElement, context: DocxContext): string[] {
  return elementsOf(parent).flatMap((child) => {
    if (child.name === "w:p") return [paragraphText(child, context)];
    if (child.name === "w:tbl") {
      const cells = unwrapped(child, "w:tr").flatMap((row) => unwrapped(row, "w:tc"));
      return cells.flatMap((cell) => cellLines(cell, context));
    }
    return WRAPPERS.has(child.name) ? cellLines(child, context) : [];
  });
}

function unwrapped(parent: XmlElement, name: string): XmlElement[] {
  return elementsOf(parent).flatMap((child) => {
    if (child.name === name) return [child];
    return WRAPPERS.has(child.name) ? unwrapped(child, name) : [];
  });
}
