/**
 * Goal: each sheet of a workbook is a table with the cells as a reader sees them, and cells that lie far
 * away or claim too much cost nothing. Method: workbooks of a few cells built here.
 */
import { expect, test } from "vitest";
import { extractRequest } from "../../../../test/helpers/extract-request.js";
import { zipOf } from "../../../../test/helpers/zip-of.js";
import { extractXlsx } from "./extract-xlsx.js";

const S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships";

/** Styles: 0 general, 1 built-in date, 2 a date of its own, 3 a time, 4 money with a "d" in quotes. */
const STYLES = `<styleSheet xmlns="${S}"><numFmts>
  <numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm"/><numFmt numFmtId="165" formatCode="[h]:mm:ss"/>
  <numFmt numFmtId="166" formatCode="[Red]0.00&quot;d&quot;"/></numFmts>
  <cellXfs><xf/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>`;

/** @param sheets the rows of each sheet as XML, by name. */
function xlsx(sheets: Record<string, string>, parts: Record<string, string> = {}): Uint8Array {
  const names = Object.keys(sheets);
  const relationship = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${R}/${type}" Target="${target}"/>`;
  return zipOf({
    "_rels/.rels": `<Relationships xmlns="${PACKAGE}">${relationship("1", "officeDocument", "xl/workbook.xml")}</Relationships>`,
    "xl/workbook.xml": `<workbook xmlns="${S}" xmlns:r="${R}"><sheets>${names
      .map((name, i) => `<sheet name="${name}" r:id="s${i}"/>`)
      .join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${PACKAGE}">${names
      .map((_, i) => relationship(`s${i}`, "worksheet", `worksheets/sheet${i}.xml`))
      .join(
        "",
      )}${relationship("t", "sharedStrings", "sharedStrings.xml")}${relationship("y", "styles", "styles.xml")}</Relationships>`,
    "xl/styles.xml": STYLES,
    "xl/sharedStrings.xml": `<sst xmlns="${S}"><si><t>Mill</t></si><si><r><t>Wheel </t></r><r><t>s</t></r><rPh><t>no</t></rPh></si></sst>`,
    ...Object.fromEntries(
      Object.values(sheets).map((rows, i) => [
        `xl/worksheets/sheet${i}.xml`,
        `<worksheet xmlns="${S}"><sheetData>${rows}</sheetData></worksheet>`,
      ]),
    ),
    ...parts,
  });
}

const inline = (reference: string, text: string) =>
  `<c r="${reference}" t="inlineStr"><is><t>${text}</t></is></c>`;
const tables = async (content: Uint8Array) =>
  (await extractXlsx(extractRequest("xlsx", content, { extract_tables: true }))).rows.map(
    ({ metadata }) => metadata.table_metadata?.table_content,
  );

test("a sheet is a table, its name the caption", async () => {
  const sheet = `<row><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
    <row><c t="inlineStr"><is><t>Old Mill</t></is></c><c><v>3</v></c></row>`;
  const content = xlsx({ Mills: sheet, Empty: "" });
  const { rows, notes } = await extractXlsx(
    extractRequest("xlsx", content, { extract_tables: true }),
  );
  expect(notes).toEqual([]);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({
    documentType: "structured",
    metadata: {
      content: "",
      content_metadata: { type: "structured", subtype: "table", page_number: 0 },
      source_metadata: { source_type: "xlsx", source_name: "folder/name.xlsx" },
      table_metadata: {
        caption: "Mills",
        table_format: "markdown",
        table_content:
          "| Mill     |   Wheel s |\n|:---------|----------:|\n| Old Mill |         3 |",
      },
    },
  });
});

test("without tables the sheets are the text, by sheet or as a whole", async () => {
  const content = xlsx({
    One: `<row>${inline("A1", "a")}</row>`,
    Two: `<row>${inline("A1", "b")}</row>`,
  });
  const textsOf = async (text_depth: string) =>
    (await extractXlsx(extractRequest("xlsx", content, { text_depth }))).rows.map(
      ({ metadata }) => metadata.content,
    );
  const [one, two] = ["## One\n\n| a   |\n|-----|", "## Two\n\n| b   |\n|-----|"];
  expect(await textsOf("page")).toEqual([one, two]);
  expect(await textsOf("document")).toEqual([`${one}\n\n${two}`]);
});

test("numbers are dates where their format says so, and keep their digits elsewhere", async () => {
  const cells = [
    '<c s="1"><v>45000</v></c>',
    '<c s="2"><v>45000.75</v></c>',
    '<c s="3"><v>0.5</v></c>',
    '<c s="4"><v>12.5</v></c>',
    "<c><v>0.30000000000000004</v></c>",
    "<c><v>12345678901234567890</v></c>",
    '<c s="1"><v>1</v></c>',
    '<c t="b"><v>1</v></c>',
    '<c t="e"><v>#N/A</v></c>',
    '<c s="1"><v>99999999</v></c>',
  ];
  const rows = cells.map((cell) => `<row>${cell}</row>`).join("");
  const [table] = await tables(xlsx({ S: `<row>${inline("A1", "head")}</row>${rows}` }));
  const shown = table
    ?.split("\n")
    .slice(2)
    .map((line) => line.slice(2, -2).trim());
  expect(shown).toEqual([
    "2023-03-15",
    "2023-03-15 18:00:00",
    "12:00:00",
    "12.5",
    "0.3",
    "12345678901234567890",
    "1900-01-01",
    "TRUE",
    "#N/A",
    "99999999",
  ]);
});

test("a lone cell far away does not make a table of millions", async () => {
  const sheet = `<row r="1">${inline("A1", "near")}</row><row r="1048576">${inline("XFD1048576", "far")}</row>`;
  expect(await tables(xlsx({ S: sheet }))).toEqual([
    "| near   |     |\n|:-------|:----|\n|        | far |",
  ]);
});

test("more cells than a table can have are refused before they are made", async () => {
  const rows = Array.from({ length: 3_000 }, (_, i) => {
    const letters = [676, 26, 1].map((unit) => Math.floor(i / unit) % 26);
    const column = letters.map((letter) => String.fromCharCode(65 + letter)).join("");
    return `<row>${inline(column, "x")}</row>`;
  });
  await expect(tables(xlsx({ S: rows.join("") }))).rejects.toMatchObject({
    code: "EXTRACT_OOXML_TOO_MANY_CELLS",
  });
});

test("more sheets than allowed, and a workbook that is none, are refused", async () => {
  const limits = { maxPages: 1, maxPdfMemoryMb: 64, pageNumberBase: 1 } as const;
  const request = extractRequest("xlsx", xlsx({ A: "", B: "" }));
  await expect(async () => extractXlsx({ ...request, limits })).rejects.toMatchObject({
    code: "STAGES_DOCUMENT_TOO_LARGE",
  });
  await expect(tables(zipOf({ "a.txt": "a" }))).rejects.toMatchObject({
    code: "EXTRACT_OOXML_PART_MISSING",
  });
});
