/**
 * Goal: the text of a PDF is what upstream gives, byte for byte, in complete rows; whatever is
 * wrong with a file ends in a clear error.
 * Method: the extractor called directly on the project's sample, on small PDFs written here, and on
 * the reference files where they lie beside the repository; seeded mutations through real threads.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { pdfFile, pdfStream } from "../../../../test/helpers/pdf-file.js";
import { completeRowMetadata } from "../../../message/index.js";
import { WorkerPool } from "../../../workers/index.js";
import { parseExtractParams } from "../extract-params.js";
import { extractTask } from "../extract-task.js";
import type { ExtractRequest } from "../extractor.js";
import { extractPdf } from "./extract-pdf.js";

const handbook = readFileSync(
  new URL("../../../../samples/millrace-handbook.pdf", import.meta.url),
);
const shared = new URL("../../../../../shared/", import.meta.url);

const injected = completeRowMetadata({
  content_metadata: { type: "structured" },
  source_metadata: { source_name: "name.pdf", source_id: "path/name.pdf", source_type: "pdf" },
});

function extract(content: Uint8Array, more: Partial<ExtractRequest> = {}, params: object = {}) {
  return extractPdf({
    content,
    documentType: "pdf",
    params: parseExtractParams(params),
    metadata: injected,
    ...more,
  });
}
const textsOf = async (content: Uint8Array, params: object = {}) =>
  (await extract(content, {}, params)).rows.map((row) => row.metadata.content);
const errorOf = async (running: Promise<unknown>) => {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown as { code?: string; message?: string },
  );
  return `${error?.code} ${error?.message}`;
};

/** A PDF with one line of text per page, written out by hand so that each part can be wrong. */
function makePdf(
  texts: readonly string[],
  wrong: { count?: number; trailer?: string; paddingBytes?: number } = {},
): Buffer {
  const kids = texts.map((_, index) => `${4 + index * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${wrong.count ?? texts.length} /Kids [${kids}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  for (const [index, text] of texts.entries()) {
    const drawn = `BT /F 12 Tf 20 100 Td (${text}) Tj ET`;
    const padded = drawn.padEnd(wrong.paddingBytes ?? 0);
    const content = deflateSync(padded).toString("latin1");
    objects.push(
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] " +
        `/Resources << /Font << /F 3 0 R >> >> /Contents ${5 + index * 2} 0 R >>`,
      pdfStream(content, "/Filter /FlateDecode"),
    );
  }
  return pdfFile(objects, wrong.trailer);
}

const ENCRYPTED =
  "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 " +
  `/O <${"11".repeat(32)}> /U <${"22".repeat(32)}> >>`;

test("a page row has all members of the form, those of the page filled in", async () => {
  const { rows, notes } = await extract(handbook);
  expect(rows).toHaveLength(6);
  expect(notes).toEqual([]);
  const [, second] = rows;
  expect(second?.documentType).toBe("text");
  expect(second?.metadata.content.startsWith("1. Opening the gate\r\nBefore the gate")).toBe(true);
  expect(second?.metadata).toEqual(
    completeRowMetadata({
      content: second?.metadata.content,
      source_metadata: {
        source_name: "path/name.pdf",
        source_id: "path/name.pdf",
        source_type: "PDF",
        date_created: "2026-11-02T07:15:00",
        last_modified: "2026-11-03T16:45:30",
      },
      content_metadata: {
        type: "text",
        description: "Unstructured text from PDF document.",
        page_number: 2,
        hierarchy: { page_count: 6, page: 2 },
      },
      text_metadata: {
        text_type: "page",
        keywords: "water mill, handbook, millrace",
        language: "en",
        text_location: [-1, -1, -1, -1],
        text_location_max_dimensions: [-1, -1],
      },
    }),
  );
});

test("an empty page is a row with empty text", async () => {
  const { rows } = await extract(handbook);
  expect(rows[3]?.metadata.content).toBe("");
  expect(rows[3]?.metadata.text_metadata?.language).toBe("unknown");
  expect(rows[3]?.metadata.content_metadata?.page_number).toBe(4);
});

test("scripts from other rivers come out whole, Hebrew in reading order", async () => {
  const page = (await textsOf(handbook))[4];
  expect(page).toContain("Ο μυλωνάς ανοίγει το φράγμα");
  expect(page).toContain("Мельник открывает затвор");
  expect(page).toContain("הטוחן פותח את הסכר מוקדם בבוקר");
  expect(page).toContain("粉屋は朝早く水門を開けます。");
});

test("any depth but page gives one row of the document, pages joined by a space", async () => {
  const pages = await textsOf(handbook, { text_depth: "page" });
  for (const depth of ["document", "block", "line"]) {
    const { rows } = await extract(handbook, {}, { text_depth: depth });
    expect(rows).toHaveLength(1);
    expect(rows[0]?.metadata.content).toBe(pages.join(" "));
    expect(rows[0]?.metadata.content_metadata?.page_number).toBe(-1);
    expect(rows[0]?.metadata.content_metadata?.hierarchy).toMatchObject({
      page_count: 6,
      page: -1,
    });
    expect(rows[0]?.metadata.text_metadata?.text_type).toBe("document");
  }
});

test("what is not done here is noted only when it was asked for", async () => {
  const asked = { extract_charts: true, extract_tables: true, extract_text: false };
  const { rows, notes } = await extract(handbook, { method: "tika" }, asked);
  expect(rows).toEqual([]);
  expect(notes).toEqual([
    "skipped: tables, charts of PDF documents are not extracted here",
    'extraction method "tika" is not available, pdfium was used',
  ]);
  expect((await extract(handbook, { method: "pdfium" })).notes).toEqual([]);
});

test("pages can be counted from 0", async () => {
  const limits = { maxPages: 10, maxPdfMemoryMb: 512, pageNumberBase: 0 } as const;
  const { rows } = await extract(makePdf(["a", "b"]), { limits });
  expect(rows.map((row) => row.metadata.content_metadata?.page_number)).toEqual([0, 1]);
});

test("a file without dates gets the present, in ISO form without a zone", async () => {
  const [row] = (await extract(makePdf(["a"]))).rows;
  const date = row?.metadata.source_metadata?.date_created ?? "";
  expect(date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/);
  expect(new Date(`${date}Z`).getTime()).toBeGreaterThan(new Date("2026-01-01").getTime());
});

test("text outside the page's box is left out, as upstream does", async () => {
  const outside = makePdf(["a) Tj 900 0 Td (b"]);
  const [text] = await textsOf(outside);
  expect(text?.trim()).toBe("a");
});

describe("files that cannot be read name their cause", () => {
  const cases: readonly [string, Uint8Array, RegExp][] = [
    ["no bytes", Buffer.alloc(0), /^STAGES_DOCUMENT_EMPTY .*no bytes/],
    [
      "no PDF at all",
      Buffer.from("hello"),
      /^STAGES_DOCUMENT_UNREADABLE .*is no PDF.*PDFium: Data/,
    ],
    [
      "only the head",
      handbook.subarray(0, 300),
      /^STAGES_DOCUMENT_UNREADABLE .*cut short.*PDFium: /,
    ],
    ["encrypted", makePdf(["a"], { trailer: ENCRYPTED }), /^STAGES_DOCUMENT_ENCRYPTED .*password/],
    [
      "unknown protection",
      makePdf(["a"], { trailer: "/Encrypt << /Filter /Other /V 9 >>" }),
      /^STAGES_DOCUMENT_ENCRYPTED .*security scheme/,
    ],
    ["no page", makePdf([]), /^STAGES_DOCUMENT_(EMPTY .*no page|UNREADABLE )/],
  ];
  test.each(cases)("%s", async (_name, content, expected) => {
    expect(await errorOf(extract(content))).toMatch(expected);
  });

  test("a claim of many pages", async () => {
    const limits = { maxPages: 3, maxPdfMemoryMb: 512, pageNumberBase: 1 } as const;
    const many = makePdf(["a", "b", "c", "d"]);
    expect(await errorOf(extract(many, { limits }))).toMatch(
      /^STAGES_DOCUMENT_TOO_LARGE .* 4 pages, more than the 3 that "maxPages" allows/,
    );
    expect(await errorOf(extract(makePdf(["a"], { count: 500_000 })))).toMatch(
      /^STAGES_DOCUMENT_TOO_LARGE .* 500000 pages/,
    );
    expect(await errorOf(extract(makePdf(["a"], { count: 50_000 })))).toMatch(
      /^STAGES_DOCUMENT_UNREADABLE .*page 2 is broken/,
    );
    // A claim beyond all measure is not believed by PDFium itself, which then counts.
    expect(await textsOf(makePdf(["a"], { count: 2_000_000_000 }))).toEqual(["a"]);
  });

  test("more memory than allowed, and the next document is read all the same", async () => {
    const limits = { maxPages: 10, maxPdfMemoryMb: 32, pageNumberBase: 1 } as const;
    const large = Buffer.concat([makePdf(["a"]), Buffer.alloc(40 * 1024 * 1024, " ")]);
    expect(await errorOf(extract(large, { limits }))).toMatch(
      /^STAGES_DOCUMENT_TOO_LARGE .*"maxPdfMemoryMb"/,
    );
    const bomb = makePdf(["a"], { paddingBytes: 64 * 1024 * 1024 });
    expect(bomb.length).toBeLessThan(100_000);
    expect(await errorOf(extract(bomb, { limits }))).toMatch(
      /^STAGES_DOCUMENT_TOO_LARGE .*"maxPdfMemoryMb"/,
    );
    expect(await textsOf(makePdf(["still here"]))).toEqual(["still here"]);
  });
});

test("200 documents in a row leave no memory behind", async () => {
  // An unclosed page or text page costs PDFium about 0.3 MB for each handbook, so that this bound
  // (it starts with 18 MB) would be met after about 40 rounds.
  const limits = { maxPages: 10, maxPdfMemoryMb: 32, pageNumberBase: 1 } as const;
  for (let round = 0; round < 200; round++) {
    expect((await extract(handbook, { limits })).rows).toHaveLength(6);
  }
});

test("200 mutated files end in rows or in an error of ours, and no thread dies", async () => {
  const random = seededRandom(20_261_123);
  const originals = [handbook, makePdf(["one", "two"]), makePdf(["x"], { trailer: ENCRYPTED })];
  const pool = new WorkerPool({ maxThreads: 2 });
  const outcomeOf = (content: Buffer) =>
    pool
      .run(extractTask, {
        documentType: "pdf",
        content: content.toString("base64"),
        params: parseExtractParams({}),
        metadata: injected,
        limits: { maxPages: 100, maxPdfMemoryMb: 512, pageNumberBase: 1 },
      })
      .then(
        ({ rows }) => `${rows.length} rows`,
        (error: { code?: string }) => String(error.code),
      );
  try {
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, round) =>
        outcomeOf(mutate(originals[round % originals.length] as Buffer, random)),
      ),
    );
    const readable = outcomes.filter((outcome) => /rows$/.test(outcome));
    for (const outcome of outcomes) expect(outcome).toMatch(/rows$|^STAGES_DOCUMENT_/);
    // Both ends were reached, else the mutations were too weak or too strong to say anything.
    expect(readable.length).toBeGreaterThan(10);
    expect(readable.length).toBeLessThan(190);
    expect(await outcomeOf(handbook)).toBe("6 rows");
    expect(pool.getStats().threads).toBeLessThanOrEqual(2);
  } finally {
    await pool.close();
  }
});

/** xorshift32: numbers from 0 to below `bound`, the same ones in every run. */
function seededRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

function mutate(original: Buffer, random: (bound: number) => number): Buffer {
  const bytes = Buffer.from(original);
  const at = random(bytes.length);
  const kind = random(4);
  if (kind === 0) return bytes.subarray(0, at);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(400))]);
  if (kind === 2) {
    // Digits are offsets, lengths and counts: the parts of a PDF that lead a reader astray.
    for (let index = at; index < Math.min(bytes.length, at + 2_000); index++) {
      const byte = bytes[index] as number;
      if (byte >= 48 && byte <= 57 && random(3) === 0) bytes[index] = 48 + random(10);
    }
    return bytes;
  }
  for (let count = 1 + random(50); count > 0; count--) bytes[random(bytes.length)] = random(256);
  return bytes;
}

interface Expected {
  readonly text_depth_page: readonly {
    readonly page_number: number;
    readonly hierarchy: object;
    readonly sha256: string;
  }[];
  readonly text_depth_document: { readonly sha256: string; readonly hierarchy: object };
  readonly source_dates: Record<string, string> | null;
}

describe.runIf(existsSync(new URL("spec/expectations.json", shared)))("the reference files", () => {
  const { pdf } = JSON.parse(readFileSync(new URL("spec/expectations.json", shared), "utf8")) as {
    pdf: Record<string, Expected>;
  };
  const hash = (text: unknown) => createHash("sha256").update(String(text), "utf8").digest("hex");

  test.each(Object.entries(pdf))("%s has upstream's bytes", async (name, expected) => {
    const bytes = readFileSync(new URL(name.replace("data/", "samples/"), shared));
    const { rows } = await extract(bytes);
    expect(
      rows.map(({ metadata }) => ({
        page_number: metadata.content_metadata?.page_number,
        sha256: hash(metadata.content),
      })),
    ).toEqual(expected.text_depth_page.map(({ page_number, sha256 }) => ({ page_number, sha256 })));
    for (const [index, { metadata }] of rows.entries()) {
      expect(metadata.content_metadata?.hierarchy).toMatchObject(
        expected.text_depth_page[index]?.hierarchy ?? {},
      );
    }
    const [document] = (await extract(bytes, {}, { text_depth: "document" })).rows;
    expect(hash(document?.metadata.content)).toBe(expected.text_depth_document.sha256);
    expect(document?.metadata.content_metadata?.hierarchy).toMatchObject(
      expected.text_depth_document.hierarchy,
    );
    if (expected.source_dates !== null) {
      expect(document?.metadata.source_metadata).toMatchObject(expected.source_dates);
    }
  });

  test("the published pages are found to be English", async () => {
    for (const name of ["multimodal_test.pdf", "functional_validation.pdf"]) {
      const { rows } = await extract(readFileSync(new URL(`samples/${name}`, shared)));
      const languages = rows.map(({ metadata }) => metadata.text_metadata?.language);
      expect(new Set(languages)).toEqual(new Set(["en"]));
    }
  });
});
