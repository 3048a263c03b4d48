/**
 * Goal: every rule of Word documents' text and tables holds. Method: documents of a few paragraphs
 * built here, the project's own sample, and upstream's expectations where the spec is at hand.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Transformer } from "@napi-rs/image";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { injectMetadata, type RowMetadata } from "../../../message/index.js";
import type { ExtractParams } from "../extractor.js";
import { extractDocx } from "./extract-docx.js";

const W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships";

const PNG = Transformer.fromRgbaPixels(new Uint8Array(3 * 2 * 4), 3, 2).pngSync();

const STYLES = [
  ["N", "Normal", "", ' w:default="1"'],
  ["H1", "heading 1", ""],
  ["H9", "Heading 9", ""],
  ["H10", "Heading 10", ""],
  ["LB", "List Bullet", ""],
  ["T", "Title", ""],
  ["S", "Subtitle", ""],
  ["Bold", "Table Head", "<w:rPr><w:b/></w:rPr>"],
]
  .map(
    ([id, name, properties, more = ""]) =>
      `<w:style w:type="paragraph" w:styleId="${id}"${more}><w:name w:val="${name}"/>${properties}</w:style>`,
  )
  .join("");

const RELATIONSHIPS = `<Relationships xmlns="${PACKAGE}">
  <Relationship Id="s" Type="${R}/styles" Target="styles.xml"/>
  <Relationship Id="web" Type="${R}/hyperlink" Target="https://a.example/?q=1&amp;r" TargetMode="External"/>
</Relationships>`;

/** A document with this body, as a file. */
function docx(body: string, parts: Record<string, string | Uint8Array> = {}): Uint8Array {
  const main = `<w:document xmlns:w="${W}" xmlns:r="${R}"><w:body>${body}<w:sectPr/></w:body></w:document>`;
  const files = {
    "_rels/.rels": `<Relationships xmlns="${PACKAGE}"><Relationship Id="1" Type="${R}/officeDocument" Target="/word/document.xml"/></Relationships>`,
    "word/document.xml": main,
    "word/_rels/document.xml.rels": RELATIONSHIPS,
    "word/styles.xml": `<w:styles xmlns:w="${W}">${STYLES}</w:styles>`,
    ...parts,
  };
  return zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, part]) => [
        name,
        typeof part === "string" ? strToU8(part) : part,
      ]),
    ),
  );
}

const r = (text: string, properties = "") =>
  `<w:r><w:rPr>${properties}</w:rPr><w:t xml:space="preserve">${text}</w:t></w:r>`;
const p = (content: string, style = "") =>
  `<w:p>${style === "" ? "" : `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`}${content}</w:p>`;
const [B, I, U] = ["<w:b/>", "<w:i/>", '<w:u w:val="single"/>'];
const tc = (content: string, properties = "") =>
  `<w:tc><w:tcPr>${properties}</w:tcPr>${content}</w:tc>`;
const tbl = (...rows: string[]) =>
  `<w:tbl>${rows.map((row) => `<w:tr>${row}</w:tr>`).join("")}</w:tbl>`;

const PARAMS = {
  extractText: true,
  extractImages: false,
  extractTables: true,
  extractCharts: false,
  extractInfographics: false,
  extractPageAsImage: false,
  extractImagesMethod: "group",
  extractTablesMethod: "yolox",
  tableOutputFormat: "markdown",
};

async function extract(content: Uint8Array, depth = "document", more: Partial<ExtractParams> = {}) {
  const row = { documentType: "docx", content: "", sourceId: "id-1", sourceName: "name-1" };
  const textDepth = depth as ExtractParams["textDepth"];
  return extractDocx({
    content,
    documentType: "docx",
    params: { ...PARAMS, textDepth, ...more },
    metadata: injectMetadata(row).metadata as RowMetadata,
  });
}

async function rowsOf(content: Uint8Array, depth?: string): Promise<RowMetadata[]> {
  return (await extract(content, depth)).rows.map((row) => row.metadata);
}

/** The text of a document with one paragraph. */
async function textOf(body: string): Promise<string | undefined> {
  return (await rowsOf(docx(body))).find((row) => row.text_metadata !== null)?.content;
}

async function tableOf(body: string): Promise<string[] | undefined> {
  const rows = await rowsOf(docx(body));
  return rows.find((row) => row.table_metadata !== null)?.table_metadata?.table_content.split("\n");
}

describe("runs", () => {
  it.each([
    [r("a ", B) + r("b", B), "**a b**"],
    [r("plain ") + r(" bold ", B) + r("plain"), "plain  **bold** plain"],
    [r("a", B) + r(" ") + r("b", B), "**a b**"],
    [r("a", B) + r(" ", I), "**a**"],
    [r("a", B) + r("b", I) + r("c", U), "**a***b*<u>c</u>"],
    [r("all", B + I + U), "<u>***all***</u>"],
    [r("no", '<w:b w:val="0"/><w:i w:val="false"/><w:u w:val="none"/>'), "no"],
    [r("a") + r("   "), "a"],
    [r(" ", B), ""],
  ])("are grouped by style: %s gives %j", async (runs, text) => {
    expect(await textOf(p(runs))).toBe(`${text}\n`);
  });

  it("get what they leave open from the paragraph's style", async () => {
    expect(await textOf(p(r("a ") + r("b", '<w:b w:val="0"/>'), "Bold"))).toBe("**a** b\n");
  });

  it("know tabs, breaks and hyphens, and no page breaks", async () => {
    const run =
      '<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:br w:type="page"/><w:t>d</w:t></w:r>';
    expect(await textOf(p(run))).toBe("a\tb\nc-d\n");
  });

  it("count in insertions, controls and fields, and not in deletions", async () => {
    const text = await textOf(
      p(
        `<w:ins>${r("in ")}</w:ins><w:del><w:r><w:delText>out </w:delText></w:r></w:del>` +
          `<w:sdt><w:sdtPr/><w:sdtContent>${r("control ")}</w:sdtContent></w:sdt>` +
          `<w:fldSimple w:instr="DATE">${r("field")}</w:fldSimple>`,
      ),
    );
    expect(text).toBe("in control field\n");
  });

  it("of a link have the style of its first run", async () => {
    const link = `<w:hyperlink r:id="web">${r("the ", B)}${r("web", I)}</w:hyperlink>`;
    expect(await textOf(p(r("see ") + link))).toBe("see **[the web](https://a.example/?q=1&r)**\n");
    expect(await textOf(p(`<w:hyperlink w:anchor="x">${r("here")}</w:hyperlink>`))).toBe(
      "[here]()\n",
    );
  });

  it("mark their pictures with a number that goes on through tables", async () => {
    const A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"';
    const picture = `<w:r><w:drawing><a:graphic ${A}><a:blip r:embed="p"/></a:graphic></w:drawing></w:r>`;
    const linked = `<w:r><w:drawing><a:graphic ${A}><a:blip r:link="p"/></a:graphic></w:drawing></w:r>`;
    const file = docx(p(picture + linked) + tbl(tc(p(picture))) + p(picture));
    const [table, text] = await rowsOf(file);
    expect(text?.content).toBe("<image 1>\n <image 3>\n");
    expect(table?.table_metadata?.table_content).toContain("<image 2>");
    const { notes } = await extract(file, "document", { extractImages: true, extractCharts: true });
    expect(notes).toEqual([
      "charts are not extracted from DOCX by this version",
      "3 pictures are not in the file itself",
    ]);
  });
});

describe("pictures", () => {
  const A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"';
  const shown = (id: string) =>
    p(`<w:r><w:drawing><a:graphic ${A}><a:blip r:embed="${id}"/></a:graphic></w:drawing></w:r>`);
  const image = (id: string, target: string, more = "") =>
    `<Relationship Id="${id}" Type="${R}/image" Target="${target}"${more}/>`;
  const withPictures = (body: string, ...relationships: string[]) =>
    docx(body, {
      "word/media/a.png": PNG,
      "word/media/b.emf": strToU8("a drawing"),
      "word/_rels/document.xml.rels": `<Relationships xmlns="${PACKAGE}">${relationships.join("")}</Relationships>`,
    });

  it("come last, with the bytes of the file, their size and their block", async () => {
    const relationships = [image("a", "media/a.png"), image("b", "media/b.emf")];
    const file = withPictures(
      shown("a") + p(r("text")) + shown("b") + shown("a"),
      ...relationships,
    );
    const { rows, notes } = await extract(file, "document", { extractImages: true });
    expect(notes).toEqual([]);
    expect(rows.map(({ documentType }) => documentType)).toEqual([
      "text",
      ...Array(3).fill("image"),
    ]);
    const pictures = rows.slice(1).map(({ metadata }) => metadata);
    const emf = strToU8("a drawing");
    expect(pictures.map(({ content }) => content)).toEqual(
      [PNG, emf, PNG].map((bytes) => Buffer.from(bytes).toString("base64")),
    );
    expect(pictures.map((row) => row.content_metadata?.hierarchy.block)).toEqual([0, 2, 3]);
    expect(pictures.map((row) => row.image_metadata?.width)).toEqual([3, 0, 3]);
    expect(pictures.map((row) => row.image_metadata?.height)).toEqual([2, 0, 2]);
    expect(pictures[0]?.image_metadata).toMatchObject({
      image_type: "png",
      structured_image_type: "none",
    });
  });

  it("are not fetched from elsewhere, nor from outside of the archive", async () => {
    const file = withPictures(
      shown("web") + shown("up") + shown("a"),
      image("web", "http://127.0.0.1:9/a.png", ' TargetMode="External"'),
      image("up", "../../../../etc/passwd"),
      image("a", "media/a.png"),
    );
    const { rows, notes } = await extract(file, "document", { extractImages: true });
    expect(rows.filter(({ documentType }) => documentType === "image")).toHaveLength(1);
    expect(notes).toEqual(["2 pictures are not in the file itself"]);
  });

  it("shown too often are left out, and the job is told", async () => {
    const file = withPictures(shown("a").repeat(10_003), image("a", "media/a.png"));
    const { rows, notes } = await extract(file, "document", { extractImages: true });
    expect(rows.filter(({ documentType }) => documentType === "image")).toHaveLength(10_000);
    expect(notes[0]).toMatch(/^3 pictures are left out: at most 10000/);
  });
});

describe("paragraphs", () => {
  it.each([
    ["H1", "# mill\n"],
    ["H9", "######### mill\n"],
    ["H10", "mill\n"],
    ["LB", "- mill\n"],
    ["T", "mill\n====\n"],
    ["S", "mill\n----\n"],
    ["unknown", "mill\n"],
  ])("of style %s become %j", async (style, text) => {
    expect(await textOf(p(r("  mill "), style))).toBe(text);
  });

  it("keep the marks of a heading without text", async () => {
    expect(await textOf(p("", "H1"))).toBe("# \n");
  });

  it("get a tab for each level of numbering, within reason", async () => {
    const numbered = (level: string) =>
      textOf(`<w:p><w:pPr><w:numPr><w:ilvl w:val="${level}"/></w:numPr></w:pPr>${r("x")}</w:p>`);
    expect(await numbered("0")).toBe("x\n");
    expect(await numbered("2")).toBe("\t\tx\n");
    expect(await numbered("2000000000")).toBe(`${"\t".repeat(9)}x\n`);
    expect(await numbered("-3")).toBe("x\n");
  });

  it("measure titles in code points", async () => {
    expect(await textOf(p(r("水车🛞"), "T"))).toBe("水车🛞\n===\n");
  });
});

describe("text depths", () => {
  const file = docx(
    p(r("a")) +
      tbl(tc(p(r("cell")))) +
      p("") +
      `<w:sdt><w:sdtContent>${p(r("b"))}</w:sdtContent></w:sdt>`,
  );
  const places = async (depth: string) =>
    (await rowsOf(file, depth))
      .filter((row) => row.text_metadata !== null)
      .map((row) => [
        row.content,
        row.content_metadata?.page_number,
        row.content_metadata?.hierarchy.page,
        row.content_metadata?.hierarchy.block,
        row.text_metadata?.text_type,
      ]);

  it("document and page give one row, its paragraphs joined by a blank", async () => {
    expect(await places("document")).toEqual([["a\n \n b\n", -1, -1, -1, "document"]]);
    expect(await places("page")).toEqual([["a\n \n b\n", 0, 0, -1, "page"]]);
  });

  it("block gives a row per paragraph, counted with the tables", async () => {
    expect(await places("block")).toEqual([
      ["a\n", -1, -1, 0, "block"],
      ["\n", -1, -1, 2, "block"],
      ["b\n", -1, -1, 3, "block"],
    ]);
  });

  it("give no row without a paragraph, and none when no text is wanted", async () => {
    expect(await rowsOf(docx(""))).toEqual([]);
    const { rows } = await extract(file, "document", { extractText: false, extractTables: false });
    expect(rows).toEqual([]);
  });
});

describe("tables", () => {
  it("stand before the text and carry what upstream writes", async () => {
    const [table, text] = (await extract(docx(p(r("t")) + tbl(tc(p(r("a"))))))).rows;
    expect([table?.documentType, text?.documentType]).toEqual(["structured", "text"]);
    expect(table?.metadata).toMatchObject({
      content: "",
      content_metadata: {
        type: "structured",
        subtype: "table",
        description: "Structured table extracted from PDF document.",
        page_number: 0,
        hierarchy: { page_count: 1, page: 0, block: -1 },
      },
      table_metadata: { table_format: "image", table_location: [0, 0, 0, 0] },
      text_metadata: null,
    });
  });

  it("join the paragraphs of a cell, style them and repeat merged cells", async () => {
    const rows = [
      tc(p(r("head"), "Bold")) + tc(p(r("x"))),
      tc(p(r("a")) + p(r("b", I)), '<w:vMerge w:val="restart"/>') + tc(p(r("1"))),
      tc(p(""), "<w:vMerge/>") + tc(p(r("2"))),
      tc(p(r("wide")), '<w:gridSpan w:val="2"/>'),
    ];
    expect(await tableOf(tbl(...rows))).toEqual([
      "| **head**   | x    |",
      "|:-----------|:-----|",
      "| a<br>*b*   | 1    |",
      "| a<br>*b*   | 2    |",
      "| wide       | wide |",
    ]);
  });

  it("lose no text of a table in a cell", async () => {
    expect((await tableOf(tbl(tc(p(r("o")) + tbl(tc(p(r("i"))) + tc(p(r("j"))))))))?.[0]).toBe(
      "| o<br>i<br>j   |",
    );
  });

  it("have as many columns as a table can have, whatever a cell claims", async () => {
    const [line = ""] =
      (await tableOf(tbl(tc(p(r("x")), '<w:gridSpan w:val="2000000000"/>')))) ?? [];
    expect(line.split("|")).toHaveLength(256 + 2);
  });
});

describe("metadata", () => {
  const core = (inner: string) =>
    `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dcterms="http://purl.org/dc/terms/">${inner}</cp:coreProperties>`;
  const withCore = (inner: string) =>
    docx(p(r("The mill by the river grinds rye and spelt for the whole valley.")), {
      "_rels/.rels": `<Relationships xmlns="${PACKAGE}"><Relationship Id="1" Type="${R}/officeDocument" Target="word/document.xml"/><Relationship Id="2" Type="${PACKAGE}/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`,
      "docProps/core.xml": core(inner),
    });

  it("has the dates and keywords of the file, its language and the source of the job", async () => {
    const [row] = await rowsOf(
      withCore(
        "<cp:keywords>mill, rye</cp:keywords><dcterms:created>2024-04-22T21:57:00Z</dcterms:created>",
      ),
    );
    expect(row?.source_metadata).toMatchObject({
      source_id: "id-1",
      source_name: "name-1",
      source_type: "docx",
      date_created: "2024-04-22T21:57:00+00:00",
    });
    expect(row?.text_metadata).toMatchObject({
      keywords: "mill, rye",
      language: "en",
      text_location: [-1, -1, -1, -1],
      text_location_max_dimensions: [0, 0],
    });
    expect(row?.content_metadata?.description).toBe("Unstructured text from DOCX document.");
  });

  it("keeps the job's dates when the file has none", async () => {
    const [row] = await rowsOf(withCore("<dcterms:created>soon</dcterms:created>"));
    expect(row?.source_metadata?.date_created).toMatch(/^\d{4}-\d\d-\d\dT/);
  });
});

describe("broken and foreign files", () => {
  const codeOf = async (file: Uint8Array) =>
    extract(file).then(
      () => "nothing was thrown",
      (error) => error.code,
    );
  it.each([
    ["no archive", Buffer.from("%PDF-1.7 no archive"), "EXTRACT_OOXML_ARCHIVE_INVALID"],
    ["nothing", new Uint8Array(0), "EXTRACT_OOXML_ARCHIVE_INVALID"],
    ["an archive without a document", zipSync({ a: strToU8("b") }), "EXTRACT_OOXML_PART_MISSING"],
    ["half a document", docx(p(r("x"))).slice(0, 900), "EXTRACT_OOXML_ARCHIVE_INVALID"],
    [
      "another kind of document",
      docx("", { "word/document.xml": "<p:presentation xmlns:p='x'/>" }),
      "EXTRACT_OOXML_PART_UNEXPECTED",
    ],
    [
      "a document with entities",
      docx("", { "word/document.xml": "<!DOCTYPE d [<!ENTITY e 'x'>]><d>&e;</d>" }),
      "EXTRACT_OOXML_XML_INVALID",
    ],
  ])("are refused: %s", async (_, file, code) => {
    expect(await codeOf(file)).toBe(code);
  });

  it("work without styles and relationships, which a document need not have", async () => {
    const main = `<w:document xmlns:w="${W}"><w:body>${p(r("x"), "H1")}</w:body></w:document>`;
    const [row] = await rowsOf(zipSync({ "word/document.xml": strToU8(main) }));
    expect(row?.content).toBe("x\n");
  });
});

describe("the sample river-report.docx", () => {
  const file = readFileSync("samples/river-report.docx");

  it("gives its text with styles, lists, links and five scripts", async () => {
    const text = (await rowsOf(file)).find((row) => row.text_metadata !== null);
    const lines = text?.content.split("\n") ?? [];
    expect(lines).toContain("==============");
    expect(text?.content).toContain("write the level down <u>**before**</u> the gates");
    expect(text?.content).toContain("Where **bold and bold again** meet");
    expect(lines).toContain(" \t\t- the small wheel stood still");
    expect(text?.content).toContain(
      "[the archive of the valley](https://archive.example/river?year=2025)",
    );
    for (const word of ["Мельница", "水车", "الطاحونة", "μυλόπετρα"]) {
      expect(text?.content).toContain(word);
    }
    expect(text?.content).not.toContain("deleted");
    expect(text?.text_metadata).toMatchObject({ keywords: "river, mill, gauge", language: "en" });
    expect(text?.source_metadata?.last_modified).toBe("2026-03-14T09:30:00+00:00");
  });

  it("gives its table with merged cells", async () => {
    const [table] = await rowsOf(file);
    expect(table?.table_metadata?.table_content.split("\n")).toEqual([
      "| **Station**         | **Month**           |   **Level in cm** | **Remark**                                |",
      "|:--------------------|:--------------------|------------------:|:------------------------------------------|",
      "| Alder Weir          | January             |               112 | ice at the gate<br>wheel stopped two days |",
      "| Alder Weir          | February            |                96 |                                           |",
      "| Stone Ford          | January             |                88 | ford passable                             |",
      "| both, whole quarter | both, whole quarter |             1,049 | sum of the days                           |",
    ]);
  });
});

const shared = resolve("../shared");
describe.runIf(existsSync(shared))("upstream's expectations for multimodal_test.docx", () => {
  it.each(["document", "page", "block"])("hold byte for byte at depth %s", async (depth) => {
    const expected = JSON.parse(readFileSync(`${shared}/spec/expectations.json`, "utf8")).docx[
      "data/multimodal_test.docx"
    ];
    const rows = await rowsOf(readFileSync(`${shared}/samples/multimodal_test.docx`), depth);
    const [table, ...texts] = rows;
    expect(
      texts.map((row) => ({
        content: row.content,
        page_number: row.content_metadata?.page_number,
        block: row.content_metadata?.hierarchy.block,
        page: row.content_metadata?.hierarchy.page,
        description: row.content_metadata?.description,
      })),
    ).toEqual(
      expected[`text_depth_${depth}`].map((row: Record<string, unknown>) => ({
        content: row.content,
        page_number: row.page_number,
        block: (row.hierarchy as { block: number }).block,
        page: (row.hierarchy as { page: number }).page,
        description: row.description,
      })),
    );
    expect(table?.table_metadata).toEqual(expected.tables_and_images[0].table_metadata);
    expect(table?.source_metadata).toMatchObject(expected.source_dates);
  });

  it("hold for the pictures, but that ours have a size", async () => {
    const [, ...expected] = JSON.parse(readFileSync(`${shared}/spec/expectations.json`, "utf8"))
      .docx["data/multimodal_test.docx"].tables_and_images;
    const sample = readFileSync(`${shared}/samples/multimodal_test.docx`);
    const { rows } = await extract(sample, "document", { extractImages: true });
    const pictures = rows.filter(({ documentType }) => documentType === "image");
    expect(
      pictures.map(({ documentType, metadata }) => ({
        document_type: documentType,
        page_number: metadata.content_metadata?.page_number,
        subtype: metadata.content_metadata?.subtype,
        description: metadata.content_metadata?.description,
        block: metadata.content_metadata?.hierarchy.block,
        content_length: metadata.content.length,
        content_sha256: createHash("sha256").update(metadata.content).digest("hex"),
        image_metadata: { ...metadata.image_metadata, width: 0, height: 0 },
      })),
    ).toEqual(
      expected.map(({ hierarchy, ...row }: { hierarchy: { block: number } }) => ({
        ...row,
        block: hierarchy.block,
      })),
    );
    for (const { metadata } of pictures) expect(metadata.image_metadata?.width).toBeGreaterThan(99);
  });
});
