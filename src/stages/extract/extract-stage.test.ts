/**
 * Goal: an extraction stage takes exactly its task, replaces exactly its rows, and says what went
 * wrong. Method: messages as the source makes them, the real pool and its threads, the project's
 * own sample.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";

import { completeRowMetadata, IngestControlMessage, type Row } from "../../message/index.js";
import { stageContext } from "../../testing/index.js";
import { WorkerPool } from "../../workers/index.js";
import { localStages } from "../local-stages.js";
import { metadataInjector } from "../metadata-injector.js";
import { extractStage } from "./extract-stage.js";
import { extractTask } from "./extract-task.js";

const handbook = readFileSync(new URL("../../../samples/millrace-handbook.pdf", import.meta.url));
const context = stageContext();

let pool: WorkerPool;
beforeAll(() => {
  pool = new WorkerPool({ maxThreads: 2 });
});
afterAll(() => pool.close());

const pdfStage = (options = {}) =>
  extractStage({ name: "pdf_extractor", documentTypes: ["pdf"], pool, options });
const pdfRow = (sourceId: string, bytes: Uint8Array = handbook): Row => ({
  documentType: "pdf",
  content: Buffer.from(bytes).toString("base64"),
  sourceId,
  sourceName: sourceId,
});

/** A message after the injector, with one extract task. */
async function messageOf(rows: Row[], params: object = {}, documentType = "pdf") {
  const message = new IngestControlMessage();
  message.payload = rows;
  message.addTask({
    type: "extract",
    properties: { document_type: documentType, method: "pdfium", params },
  });
  return metadataInjector().process(message, context);
}

test("the default stages stand in upstream's order under upstream's names, with ours after its extractors", () => {
  expect(localStages(pool).map((stage) => stage.name)).toEqual([
    "metadata_injector",
    "pdf_extractor",
    "docx_extractor",
    "pptx_extractor",
    "html_extractor",
    "image_extractor",
    "sheet_extractor",
    "epub_extractor",
    "eml_extractor",
    "image_filter",
    "image_dedup",
    "text_splitter",
    "text_embedder",
  ]);
});

test("a PDF row becomes one row per page, and the task is taken", async () => {
  const message = await messageOf([pdfRow("a.pdf")], { text_depth: "page" });
  const stage = pdfStage();
  expect(stage.accepts?.(message)).toBe(true);
  const { payload } = await stage.process(message, context);
  expect(payload.map((row) => row.documentType)).toEqual(Array(6).fill("text"));
  expect(payload[0]?.metadata?.content).toContain("The Millrace Handbook\r\n");
  expect(payload[0]?.metadata?.source_metadata).toMatchObject({ source_id: "a.pdf" });
  expect(new Set(payload.map((row) => row.uuid)).size).toBe(6);
  expect(message.tasks).toEqual([]);
  expect(stage.accepts?.(message)).toBe(false);
  expect(message.listMetadata().filter((key) => key.startsWith("annotation::"))).toEqual([]);
});

test("an HTML row, whose content travels as plain text, goes the same way", async () => {
  const page = "<title>t</title><body><h1>Mühle</h1><p>Das Rad dreht sich.</p></body>";
  const row = { documentType: "html", content: page, sourceId: "a.html", sourceName: "a.html" };
  const message = await messageOf([row], {}, "html");
  const stage = localStages(pool).find(({ name }) => name === "html_extractor");
  await stage?.process(message, context);
  expect(message.payload[0]?.metadata?.content).toBe("# Mühle\n\nDas Rad dreht sich.");
});

test.each(["docx", "pptx"])("a broken %s document fails with an error of ours", async (type) => {
  const content = Buffer.from("no zip").toString("base64");
  const message = await messageOf([{ documentType: type, content, sourceId: "a" }], {}, type);
  const stage = localStages(pool).find(({ name }) => name === `${type}_extractor`);
  await expect(stage?.process(message, context)).rejects.toMatchObject({
    name: "MillraceError",
    kind: "input",
  });
});

test("other rows keep their order and are not touched", async () => {
  const text = (content: string): Row => ({ documentType: "text", content, sourceId: content });
  const message = await messageOf(
    [text("one"), pdfRow("a.pdf"), text("two"), pdfRow("b.pdf"), text("three")],
    { text_depth: "document" },
  );
  const before = message.payload.map((row) => row.metadata);
  const { payload } = await pdfStage().process(message, context);
  expect(payload.map((row) => row.metadata?.source_metadata?.source_id)).toEqual([
    "one",
    "a.pdf",
    "two",
    "b.pdf",
    "three",
  ]);
  expect(payload[2]?.metadata).toBe(before[2]);
});

test("without a task of its type a stage has no work and takes nothing", async () => {
  const message = await messageOf([pdfRow("a.pdf")], {}, "docx");
  expect(pdfStage().accepts?.(message)).toBe(false);
  const { payload } = await pdfStage().process(message, context);
  expect(payload[0]?.documentType).toBe("pdf");
  expect(message.tasks).toHaveLength(1);
});

test("a task for a type of which there is no row changes nothing and is taken", async () => {
  const message = await messageOf([{ documentType: "text", content: "x", sourceId: "x" }]);
  const { payload } = await pdfStage().process(message, context);
  expect(payload).toHaveLength(1);
  expect(message.tasks).toEqual([]);
});

test("what is not done is one SUCCESS annotation, or a failure when strict", async () => {
  const asked = { extract_tables: true, extract_charts: true };
  const message = await messageOf([pdfRow("a.pdf"), pdfRow("b.pdf")], asked);
  await pdfStage().process(message, context);
  expect(Object.values(message.getMetadata(/^annotation::/) ?? {})).toEqual([
    {
      source_id: "pdf_extractor",
      task_id: "pdf_extractor",
      task_result: "SUCCESS",
      message: "skipped: tables, charts of PDF documents are not extracted here",
    },
  ]);
  const strict = pdfStage({ strictCapabilities: true });
  const again = await messageOf([pdfRow("a.pdf")], asked);
  await expect(strict.process(again, context)).rejects.toMatchObject({
    code: "STAGES_CAPABILITY_MISSING",
    message: expect.stringContaining("tables, charts"),
  });
});

test("an unreadable document fails with a typed error that names the cause", async () => {
  const broken = await messageOf([pdfRow("a.pdf"), pdfRow("b.pdf", Buffer.from("no pdf"))]);
  await expect(pdfStage().process(broken, context)).rejects.toMatchObject({
    code: "STAGES_DOCUMENT_UNREADABLE",
    kind: "input",
    message: expect.stringContaining("PDFium: Data format error"),
  });
  const noBase64 = await messageOf([{ documentType: "pdf", content: "!!!!", sourceId: "c.pdf" }]);
  await expect(pdfStage().process(noBase64, context)).rejects.toMatchObject({
    code: "STAGES_CONTENT_MISSING",
    message: expect.stringContaining('"c.pdf"'),
  });
});

test("metadata that a function made before, without a source, does not stop it", async () => {
  const message = await messageOf([]);
  const metadata = completeRowMetadata({ content: handbook.toString("base64") });
  message.payload = [{ documentType: "PDF", metadata, sourceId: "own.pdf" }];
  const { payload } = await pdfStage().process(message, context);
  expect(payload[0]?.metadata?.source_metadata).toMatchObject({ source_id: "own.pdf" });
});

test("an aborted signal ends the work with its reason, and the pool goes on", async () => {
  const controller = new AbortController();
  const message = await messageOf([pdfRow("a.pdf"), pdfRow("b.pdf"), pdfRow("c.pdf")]);
  const working = pdfStage().process(message, { ...context, signal: controller.signal });
  const reason = new Error("the stage's time is over");
  controller.abort(reason);
  await expect(working).rejects.toBe(reason);
  expect(pool.getStats()).toMatchObject({ running: 0, waiting: 0 });
  const next = await messageOf([pdfRow("d.pdf")]);
  expect((await pdfStage().process(next, context)).payload).toHaveLength(6);
});

test("a message with more documents than threads does not fill the pool's line", async () => {
  const narrow = new WorkerPool({ maxThreads: 1, maxWaitingTasks: 0 });
  try {
    const message = await messageOf(Array.from({ length: 8 }, (_, index) => pdfRow(`${index}`)));
    const stage = extractStage({ name: "pdf_extractor", documentTypes: ["pdf"], pool: narrow });
    expect((await stage.process(message, context)).payload).toHaveLength(48);
  } finally {
    await narrow.close();
  }
});

test("the thread refuses a type that it has no extractor for", async () => {
  const job = {
    documentType: "mkv",
    content: "",
    params: {} as never,
    metadata: completeRowMetadata({}),
    limits: { maxPages: 1, maxPdfMemoryMb: 32, pageNumberBase: 1 } as const,
  };
  await expect(pool.run(extractTask, job)).rejects.toMatchObject({
    code: "STAGES_EXTRACTOR_UNKNOWN",
  });
});

test("an unknown option is refused by name", () => {
  expect(() => pdfStage({ maxPage: 3 })).toThrow(/did you mean "maxPages"/);
});
