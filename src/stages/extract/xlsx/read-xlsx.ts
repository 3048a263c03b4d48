/** Reads a workbook: its sheets in order, each cell as the text that a reader would see. */
import { StagesErrors } from "../../errors.js";
import { type CoreProperties, readCoreProperties } from "../ooxml/core-properties.js";
import { OoxmlPackage } from "../ooxml/ooxml-package.js";
import { childrenOf, descend, type XmlElement } from "../ooxml/xml/xml-element.js";
import { CellBudget, type Sheet } from "../sheets/sheet-rows.js";
import { CellFormats } from "./cell-formats.js";
import { isTrue, richText } from "./cell-values.js";
import { readSheet } from "./read-sheet.js";

export interface Workbook {
  readonly sheets: readonly Sheet[];
  readonly properties: CoreProperties;
}

/** @throws the errors of `ExtractErrors`, STAGES_DOCUMENT_TOO_LARGE for more sheets than `maxSheets`. */
export function readXlsx(bytes: Uint8Array, maxSheets: number): Workbook {
  const source = new OoxmlPackage(bytes);
  const main = source.mainPart("xl/workbook.xml");
  const root = source.readXml(main);
  const relationships = source.relationshipsOf(main);
  const listed = childrenOf(descend(root, "s:sheets"), "s:sheet");
  if (listed.length > maxSheets) {
    throw StagesErrors.DOCUMENT_TOO_LARGE({
      documentType: "xlsx",
      what: "sheets",
      found: listed.length,
      limit: maxSheets,
      option: "maxPages",
    });
  }
  const stylesPart = source.partOf(relationships, "styles");
  const formats = new CellFormats(
    stylesPart === undefined ? undefined : source.readXml(stylesPart),
    isTrue(descend(root, "s:workbookPr")?.attributes.date1904),
  );
  const strings = readStrings(source, source.partOf(relationships, "sharedStrings"));
  const budget = new CellBudget();
  const sheets = listed.flatMap(({ attributes }) => {
    const sheet = relationships.get(attributes["r:id"] ?? "");
    // Charts and dialogues are sheets, too, but have no cells.
    if (sheet?.kind !== "worksheet" || sheet.isExternal || !source.has(sheet.target)) return [];
    const cells = readSheet(source, sheet.target, { strings, formats, budget });
    return [{ name: attributes.name ?? "", cells }];
  });
  return { sheets, properties: readCoreProperties(source) };
}

/** Texts that cells refer to by number. */
function readStrings(source: OoxmlPackage, part: string | undefined): string[] {
  const strings: string[] = [];
  if (part === undefined) return strings;
  const onItem = (item: XmlElement) => void strings.push(richText(item));
  source.readXml(part, { items: { of: "s:sst", onItem } });
  return strings;
}
