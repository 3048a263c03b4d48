/** Walks the body of a document and gives its paragraphs and tables, in order, as Markdown. */
import { type CoreProperties, readCoreProperties } from "../ooxml/core-properties.js";
import { ExtractErrors } from "../ooxml/errors.js";
import { OoxmlPackage } from "../ooxml/ooxml-package.js";
import { type Picture, Pictures } from "../ooxml/pictures.js";
import { elementsOf, type XmlElement } from "../ooxml/xml/xml-element.js";
import { readParagraphStyles } from "./docx-styles.js";
import { blockText, type DocxContext } from "./paragraph-text.js";
import { tableCells } from "./table-cells.js";

/** `index` counts paragraphs and tables from 0. */
export type DocxBlock =
  | { readonly kind: "paragraph"; readonly index: number; readonly text: string }
  | { readonly kind: "table"; readonly index: number; readonly cells: string[][] };

export interface DocxContent {
  readonly blocks: readonly DocxBlock[];
  readonly properties: CoreProperties;
  /** Those that the text marks as `<image n>`, in order; read when they are asked for. */
  pictures(): { readonly found: readonly DocxPicture[]; readonly notes: readonly string[] };
}

export interface DocxPicture extends Picture {
  /** The block that it stands in. */
  readonly block: number;
}

/** Content controls around whole paragraphs, as Word puts them around a table of contents. */
const WRAPPERS = new Set(["w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo"]);

/** @throws the errors of `ExtractErrors` */
export function readDocx(bytes: Uint8Array): DocxContent {
  const source = new OoxmlPackage(bytes);
  const part = source.mainPart("word/document.xml");
  const relationships = source.relationshipsOf(part);
  const styles = readParagraphStyles(source, source.partOf(relationships, "styles"));
  const context: DocxContext = { styles, relationships, block: 0, pictures: [] };
  const blocks: DocxBlock[] = [];
  const onItem = (item: XmlElement) => {
    const index = blocks.length;
    context.block = index;
    if (item.name === "w:p") {
      blocks.push({ kind: "paragraph", index, text: blockText(item, context) });
    } else if (item.name === "w:tbl") {
      blocks.push({ kind: "table", index, cells: tableCells(item, context) });
    } else if (WRAPPERS.has(item.name)) elementsOf(item).forEach(onItem);
  };
  const root = source.readXml(part, { items: { of: "w:body", onItem } });
  if (root?.name !== "w:document") {
    const found = root?.name ?? "nothing";
    throw ExtractErrors.PART_UNEXPECTED({ part, expected: "Word document", found });
  }
  const pictures = () => {
    const taken = new Pictures(source);
    const found = context.pictures.flatMap(({ block, relationshipId }) => {
      const picture = taken.take(relationships, relationshipId);
      return picture === undefined ? [] : [{ ...picture, block }];
    });
    return { found, notes: taken.notes };
  };
  return { blocks, properties: readCoreProperties(source), pictures };
}
