/**
 * Goal: every rule of presentations' text and tables holds. Method: slides built here, the project's
 * own sample, and the spec's expectations where they are at hand.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Transformer } from "@napi-rs/image";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { injectMetadata, type RowMetadata } from "../../../message/index.js";
import type { ExtractParams } from "../extractor.js";
import { extractPptx } from "./extract-pptx.js";
import { escapeMarkdown } from "./markdown-escape.js";

const P = "http://schemas.openxmlformats.org/presentationml/2006/main";
const A = "http://schemas.openxmlformats.org/drawingml/2006/main";
const R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships";
const NS = `xmlns:p="${P}" xmlns:a="${A}" xmlns:r="${R}"`;

const relationships = (...items: string[]) =>
  `<Relationships xmlns="${PACKAGE}">${items.join("")}</Relationships>`;
const relationship = (id: string, kind: string, target: string, more = "") =>
  `<Relationship Id="${id}" Type="${R}/${kind}" Target="${target}"${more}/>`;
const tree = (shapes: string) => `<p:cSld><p:spTree>${shapes}</p:spTree></p:cSld>`;

/** A presentation with these slides, each given as its shapes, as a file. */
function pptx(slides: string[], parts: Record<string, string | Uint8Array> = {}): Uint8Array {
  const ids = slides.map((_, index) => `<p:sldId id="${index}" r:id="s${index}"/>`).join("");
  const files: Record<string, string> = {
    "_rels/.rels": relationships(relationship("1", "officeDocument", "ppt/presentation.xml")),
    "ppt/presentation.xml": `<p:presentation ${NS}><p:sldIdLst>${ids}</p:sldIdLst><p:sldSz cx="900" cy="500"/></p:presentation>`,
    "ppt/_rels/presentation.xml.rels": relationships(
      ...slides.map((_, index) => relationship(`s${index}`, "slide", `slides/slide${index}.xml`)),
    ),
  };
  for (const [index, shapes] of slides.entries()) {
    files[`ppt/slides/slide${index}.xml`] = `<p:sld ${NS}>${tree(shapes)}</p:sld>`;
    files[`ppt/slides/_rels/slide${index}.xml.rels`] = relationships(
      relationship("web", "hyperlink", "https://a.example/?q=1&amp;r", ' TargetMode="External"'),
      relationship("lay", "slideLayout", "../slideLayouts/layout.xml"),
    );
  }
  const all = Object.entries({ ...files, ...parts });
  return zipSync(
    Object.fromEntries(
      all.map(([name, part]) => [name, typeof part === "string" ? strToU8(part) : part]),
    ),
  );
}

const run = (text: string, attributes = "", inner = "") =>
  `<a:r><a:rPr${attributes}>${inner}</a:rPr><a:t>${text}</a:t></a:r>`;
const para = (runs: string, level = 0, properties = "") =>
  `<a:p><a:pPr lvl="${level}">${properties}</a:pPr>${runs}</a:p>`;
const at = (x: number, y: number) =>
  `<a:xfrm><a:off x="${x}" y="${y}"/><a:ext cx="10" cy="20"/></a:xfrm>`;
const shape = (paragraphs: string, frame = at(0, 0), placeholder = "") =>
  `<p:sp><p:nvSpPr><p:cNvPr id="1" name="n"/><p:cNvSpPr/><p:nvPr>${placeholder}</p:nvPr></p:nvSpPr>` +
  `<p:spPr>${frame}</p:spPr><p:txBody><a:bodyPr/>${paragraphs}</p:txBody></p:sp>`;
const ph = (type: string, index = 0) => `<p:ph type="${type}" idx="${index}"/>`;
const table = (rows: string[][]) =>
  `<p:graphicFrame><p:xfrm><a:off x="1" y="2"/><a:ext cx="30" cy="40"/></p:xfrm><a:graphic><a:graphicData><a:tbl>${rows
    .map(
      (cells) =>
        `<a:tr>${cells.map((cell) => `<a:tc><a:txBody>${cell}</a:txBody></a:tc>`).join("")}</a:tr>`,
    )
    .join("")}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>`;

async function extract(content: Uint8Array, depth = "page", more: Partial<ExtractParams> = {}) {
  const row = { documentType: "pptx", content: "", sourceId: "id-1", sourceName: "name-1" };
  return extractPptx({
    content,
    documentType: "pptx",
    params: {
      extractText: true,
      extractImages: false,
      extractTables: true,
      extractCharts: false,
      extractInfographics: false,
      extractPageAsImage: false,
      extractImagesMethod: "group",
      extractTablesMethod: "yolox",
      tableOutputFormat: "markdown",
      textDepth: depth as ExtractParams["textDepth"],
      ...more,
    },
    metadata: injectMetadata(row).metadata as RowMetadata,
    limits: { maxPages: 50, pageNumberBase: 1, maxPdfMemoryMb: 64 },
  });
}

async function rowsOf(content: Uint8Array, depth?: string): Promise<RowMetadata[]> {
  return (await extract(content, depth)).rows.map((row) => row.metadata);
}

async function textOf(...shapes: string[]): Promise<string | undefined> {
  return (await rowsOf(pptx([shapes.join("")])))[0]?.content;
}

describe("runs", () => {
  it.each([
    [run("a ") + run("b", ' b="1"'), "a **b**"],
    [run(" i ", ' i="true"'), " *i* "],
    [run("x", ' b="1" i="1" u="sng"'), "*x*"],
    [run("x", ' b="1" u="sng"'), "**x**"],
    [run("x", ' u="dbl"'), "<u>x</u>"],
    [run("x", ' u="none" b="0"'), "x"],
    [run("x", "", '<a:solidFill><a:schemeClr val="accent6"/></a:solidFill>'), "*x*"],
    [run("x", "", '<a:solidFill><a:schemeClr val="dk2"/></a:solidFill>'), "**x**"],
    [run("x", "", '<a:solidFill><a:schemeClr val="tx1"/></a:solidFill>'), "x"],
    [run("t", ' b="1"', '<a:hlinkClick r:id="web"/>'), "**[t](https://a.example/?q=1&r)**"],
    [`${run("one")}<a:br/>${run("two")}<a:br/>`, "one\ntwo"],
    [run("") + run("x"), "x"],
  ])("are styled, linked and broken: %s gives %j", async (runs, text) => {
    expect(await textOf(shape(para(runs)))).toBe(`${text}\n\n`);
  });

  it("take the style that the paragraph gives to all of them", async () => {
    expect(await textOf(shape(para(run("x"), 0, '<a:defRPr i="1"/>')))).toBe("*x*\n\n");
  });
});

describe("escaping", () => {
  it("puts a backslash before marks and before what looks like a tag", () => {
    expect(escapeMarkdown("\\*`!_{}[]()#+,-.")).toBe(
      "\\\\\\*\\`\\!\\_\\{\\}\\[\\]\\(\\)\\#\\+\\,\\-\\.",
    );
    expect(escapeMarkdown("<b>x</b> 1 < 2 <> <<i>")).toBe("\\<b>x\\</b> 1 \\< 2 <> \\<<i>");
    expect(escapeMarkdown("a < b")).toBe("a < b");
  });

  it("ends soon on text that is all open tags", () => {
    expect(escapeMarkdown("<".repeat(2_000_000))).toHaveLength(2_000_000);
    expect(escapeMarkdown("<>".repeat(1_000_000))).toHaveLength(2_000_000);
  });
});

describe("paragraphs and shapes", () => {
  it("of a list have one mark each, two blanks per level", async () => {
    const body =
      para(run("Find the ") + run("slide", ' b="1"')) +
      para(run("Use _TextFrame.text for first bullet"), 1) +
      para(run("  ")) +
      para(run("deep"), 99);
    expect(await textOf(shape(body))).toBe(
      `* Find the **slide**\n\n  * Use \\_TextFrame\\.text for first bullet\n\n${"  ".repeat(8)}* deep\n\n`,
    );
  });

  it("of titles are told once, underlined and not escaped", async () => {
    const title = shape(
      para("") + para(run("Hello,") + run(" World!", ' b="1"')),
      at(0, 0),
      ph("ctrTitle"),
    );
    const subtitle = shape(
      para(run("This is")) + para(run("a [subtitle].")),
      at(0, 9),
      ph("subTitle", 1),
    );
    expect(await textOf(subtitle, title)).toBe(
      "Hello, World!\n=============\n\nThis is\na [subtitle].\n---------------------\n\n",
    );
  });

  it("are read from top to bottom and from left to right, groups opened", async () => {
    const group = `<p:grpSp>${shape(para(run("second")), at(0, 5))}<p:grpSp>${shape(para(run("first")), at(0, 1))}</p:grpSp></p:grpSp>`;
    const text = await textOf(
      shape(para(run("nowhere")), ""),
      shape(para(run("fourth")), at(7, 8)),
      shape(para(run("third")), at(3, 8)),
      group,
    );
    expect(text).toBe("first\n\nsecond\n\nthird\n\nfourth\n\nnowhere\n\n");
  });

  it("are where the layout or its master says when the slide does not", async () => {
    const file = pptx(
      [shape(para(run("title")), "", ph("title")) + shape(para(run("body")), "", ph("body", 7))],
      {
        "ppt/slideLayouts/layout.xml": `<p:sldLayout ${NS}>${tree(shape("", "", ph("title")) + shape("", at(1, 2), ph("body", 7)))}</p:sldLayout>`,
        "ppt/slideLayouts/_rels/layout.xml.rels": relationships(
          relationship("m", "slideMaster", "../slideMasters/master.xml"),
        ),
        "ppt/slideMasters/master.xml": `<p:sldMaster ${NS}>${tree(shape("", at(5, 6), ph("title")))}</p:sldMaster>`,
      },
    );
    const rows = await rowsOf(file, "block");
    expect(rows.map((row) => [row.content, row.text_metadata?.text_location])).toEqual([
      ["body\n\n", [2, 1, 22, 11]],
      ["title\n=====\n\n", [6, 5, 26, 15]],
    ]);
  });
});

describe("text depths", () => {
  const file = pptx([
    shape(para(run("one") + run("two")) + para("") + para(run("three"))) + shape("", at(0, 3)),
    "",
    shape(para(run("four"))),
  ]);
  const places = async (depth: string) =>
    (await rowsOf(file, depth)).map((row) => {
      const { page, block, line, span } = row.content_metadata?.hierarchy ?? {};
      return [row.content, row.content_metadata?.page_number, page, block, line, span].join(",");
    });

  it("page gives a row for each slide with text, numbered from 0", async () => {
    expect(await places("page")).toEqual([
      "onetwo\n\nthree\n\n,0,0,-1,-1,-1",
      "four\n\n,2,2,-1,-1,-1",
    ]);
    const [row] = await rowsOf(file);
    expect(row?.text_metadata?.text_location).toEqual([0, 0, 500, 900]);
    expect(row?.content_metadata?.hierarchy.page_count).toBe(3);
  });

  it("document gives one row", async () => {
    expect(await places("document")).toEqual(["onetwo\n\nthree\n\nfour\n\n,-1,-1,-1,-1,-1"]);
    expect((await rowsOf(file, "document"))[0]?.text_metadata?.text_location).toEqual([
      -1, -1, -1, -1,
    ]);
  });

  it("block gives a row for each text shape, also an empty one", async () => {
    expect(await places("block")).toEqual([
      "onetwo\n\nthree\n\n,0,0,0,-1,-1",
      ",0,0,1,-1,-1",
      "four\n\n,2,2,0,-1,-1",
    ]);
  });

  it("line and span give a row for each paragraph and run", async () => {
    expect(await places("line")).toEqual([
      "onetwo\n\n,0,0,0,0,-1",
      "three\n\n,0,0,0,2,-1",
      "four\n\n,2,2,0,0,-1",
    ]);
    expect(await places("span")).toEqual([
      "one,0,0,0,0,0",
      "two,0,0,0,0,1",
      "three,0,0,0,2,0",
      "four,2,2,0,0,0",
    ]);
  });
});

describe("tables", () => {
  const file = pptx([
    shape(para(run("text"))) +
      table([
        [para(run("Grain\n\t kind")), para(run("a"))],
        [para(run("rye")) + para(run("oats")), para("")],
      ]),
  ]);

  it("stand before the slide's text, with a head on one line and the place of their frame", async () => {
    const [first, second] = (await extract(file)).rows;
    expect([first?.documentType, second?.documentType]).toEqual(["structured", "text"]);
    expect(first?.metadata.table_metadata).toMatchObject({
      table_format: "markdown",
      table_location: [2, 1, 42, 31],
      table_content:
        "| Grain kind   | a   |\n|:-------------|:----|\n| rye          |     |\n| oats         |     |",
    });
    expect(first?.metadata.content_metadata).toMatchObject({
      description: "Structured table extracted from PPTX presentation.",
      page_number: 0,
      subtype: "table",
    });
  });

  it("are left out unless tables are wanted", async () => {
    const { rows } = await extract(file, "page", { extractTables: false, extractCharts: true });
    expect(rows.map((row) => row.documentType)).toEqual(["text"]);
  });
});

describe("metadata and notes", () => {
  it("name the source by its id and fall back to the present for dates", async () => {
    const [row] = await rowsOf(pptx([shape(para(run("x")))]));
    expect(row?.source_metadata).toMatchObject({
      source_name: "id-1",
      source_id: "id-1",
      source_type: "pptx",
    });
    expect(row?.source_metadata?.date_created).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it("say what is not extracted", async () => {
    const { notes } = await extract(pptx([""]), "page", { extractCharts: true });
    expect(notes).toEqual(["charts are not extracted from PPTX by this version"]);
  });
});

describe("pictures", () => {
  const PNG = Transformer.fromRgbaPixels(new Uint8Array(3 * 2 * 4), 3, 2).pngSync();
  const pic = (reference: string) =>
    `<p:pic><p:blipFill><a:blip ${reference}/></p:blipFill><p:spPr/></p:pic>`;

  it("come after all else, slide by slide, with the texts beside them", async () => {
    const slide = pic('r:embed="p"') + shape(para(run("mill")), at(1, 2)) + shape("");
    const file = pptx([slide, pic('r:embed="p"'), shape(para(run("last")))], {
      "ppt/media/a.png": PNG,
      ...Object.fromEntries(
        [0, 1].map((index) => [
          `ppt/slides/_rels/slide${index}.xml.rels`,
          relationships(relationship("p", "image", "../media/a.png")),
        ]),
      ),
    });
    expect((await extract(file)).rows.map((row) => row.documentType)).toEqual(["text", "text"]);
    const { rows, notes } = await extract(file, "page", { extractImages: true });
    expect(notes).toEqual([]);
    expect(rows.map((row) => row.documentType)).toEqual(["text", "text", "image", "image"]);
    const [first, second] = rows.slice(2).map(({ metadata }) => metadata);
    expect(first?.content).toBe(PNG.toString("base64"));
    expect(first?.content_metadata).toMatchObject({ type: "image", page_number: 0 });
    expect(second?.content_metadata).toMatchObject({
      page_number: 1,
      hierarchy: { page_count: 3 },
    });
    expect(first?.image_metadata).toMatchObject({
      structured_image_type: "unknown",
      image_location: [0, 0, 0, 0],
      width: 3,
      height: 2,
    });
    const { content, bbox, type } = first?.content_metadata?.hierarchy.nearby_objects.text ?? {};
    expect(content?.map((text) => text.trim())).toEqual(["mill"]);
    expect(bbox).toEqual([[2, 1, 22, 11]]);
    expect(type).toEqual(["text"]);
    expect(second?.content_metadata?.hierarchy.nearby_objects.text.content).toEqual([]);
  });

  it("outside of the file are not fetched", async () => {
    const file = pptx([pic('r:link="web"') + pic('r:embed="none"')]);
    const { rows, notes } = await extract(file, "page", { extractImages: true });
    expect(rows).toEqual([]);
    expect(notes).toEqual(["2 pictures are not in the file itself"]);
  });
});

describe("broken and hostile files", () => {
  const codeOf = (file: Uint8Array) =>
    extract(file).then(
      () => "nothing was thrown",
      (error) => error.code,
    );
  it.each([
    ["no archive", strToU8("no archive"), "EXTRACT_OOXML_ARCHIVE_INVALID"],
    [
      "a slide that is not there",
      pptx([""], { "ppt/_rels/presentation.xml.rels": relationships() }),
      "EXTRACT_OOXML_PART_MISSING",
    ],
    [
      "a slide without end",
      pptx([""], { "ppt/slides/slide0.xml": "<a>".repeat(5_000) }),
      "EXTRACT_OOXML_XML_TOO_COMPLEX",
    ],
    ["more slides than allowed", pptx(Array(51).fill("")), "STAGES_DOCUMENT_TOO_LARGE"],
    [
      "a Word document",
      pptx([], { "ppt/presentation.xml": "<document/>" }),
      "EXTRACT_OOXML_PART_UNEXPECTED",
    ],
  ])("are refused: %s", async (_, file, code) => {
    expect(await codeOf(file)).toBe(code);
  });
});

describe("the sample mill-talk.pptx", () => {
  const file = readFileSync("samples/mill-talk.pptx");

  it("gives its slides in order, the empty one left out", async () => {
    const texts = (await rowsOf(file)).filter((row) => row.text_metadata !== null);
    expect(texts.map((row) => row.content_metadata?.page_number)).toEqual([0, 1, 2, 4]);
    expect(texts[0]?.content.startsWith("How a mill thinks\n=================\n\n")).toBe(true);
    expect(texts[1]?.content).toContain(
      "  * the gauge\\_board: read \\[cm\\]\\, not \\{mm\\}\\!\n\n",
    );
    expect(texts[1]?.content).toContain("[ upstream](https://mills.example/upstream)");
    expect(texts[3]?.text_metadata?.language).toBe("ru");
    expect(texts[0]?.source_metadata?.date_created).toBe("2026-02-02T07:15:00+00:00");
  });

  it("gives its table, digits unchanged", async () => {
    const found = (await rowsOf(file)).find((row) => row.table_metadata !== null);
    expect(found?.content_metadata?.page_number).toBe(2);
    expect(found?.table_metadata?.table_content.split("\n").slice(0, 3)).toEqual([
      "| Grain     | Stone gap   |   Flour per hour |",
      "|:----------|:------------|-----------------:|",
      "| rye       | 0.8 mm      |            42.50 |",
    ]);
  });
});

const shared = resolve("../shared");
describe.runIf(existsSync(shared))("the spec's expectations for multimodal_test.pptx", () => {
  it("hold: no text, one native table in its place, the date of the file", async () => {
    const expected = JSON.parse(readFileSync(`${shared}/spec/expectations.json`, "utf8")).pptx[
      "data/multimodal_test.pptx"
    ];
    const rows = await rowsOf(readFileSync(`${shared}/samples/multimodal_test.pptx`));
    expect(rows).toHaveLength(1);
    const { x, y, cx, cy } = expected.native_table.frame_emu;
    expect(rows[0]?.table_metadata?.table_content).toBe(expected.native_table.table_content);
    expect(rows[0]?.table_metadata?.table_location).toEqual([y, x, y + cy, x + cx]);
    expect(rows[0]?.content_metadata?.page_number).toBe(expected.native_table.slide_index);
    expect(rows[0]?.content_metadata?.hierarchy.page_count).toBe(expected.slides);
    expect(rows[0]?.source_metadata?.last_modified).toBe(
      expected.last_modified.replace("Z", "+00:00"),
    );
  });

  it("hold for the number of pictures on each slide", async () => {
    const expected = JSON.parse(readFileSync(`${shared}/spec/expectations.json`, "utf8")).pptx[
      "data/multimodal_test.pptx"
    ].pictures_per_slide_index;
    const sample = readFileSync(`${shared}/samples/multimodal_test.pptx`);
    const { rows } = await extract(sample, "page", { extractImages: true });
    const counts: Record<string, number> = { 0: 0, 1: 0, 2: 0, 3: 0 };
    for (const { documentType, metadata } of rows) {
      const page = metadata.content_metadata?.page_number ?? -1;
      if (documentType === "image") counts[page] = (counts[page] ?? 0) + 1;
      if (documentType === "image") expect(metadata.image_metadata?.width).toBeGreaterThan(9);
    }
    expect(counts).toEqual(expected);
  });
});
