/**
 * Goal: jobs written from TypeScript are those that nv-ingest's clients write.
 * Method: each is opened again, and its JSON compared with a job written by hand.
 */
import { describe, expect, test } from "vitest";
import { createJob, documentTypeOfName, encodeJob } from "./create-job.js";
import { openJob } from "./open-job.js";
import { extractTask, splitTask } from "./task-documents.js";

const open = (text: string) =>
  openJob(text, { sourceName: "s", fetchedAt: 0n, strictSchema: true });

describe("createJob", () => {
  test("writes the job of nv-ingest's client, member by member", () => {
    const job = createJob({
      documents: [{ name: "notes.txt", content: "Naïve café." }],
      tasks: [extractTask({ documentType: "text", extractImages: false, extractTables: false })],
    });
    expect(job).toEqual({
      job_payload: {
        source_name: ["notes.txt"],
        source_id: ["notes.txt"],
        content: ["Naïve café."],
        document_type: ["text"],
      },
      job_id: "None",
      tasks: [
        {
          type: "extract",
          task_properties: {
            method: "pdfium",
            document_type: "text",
            params: {
              extract_text: true,
              extract_images: false,
              extract_images_method: "group",
              extract_tables: false,
              extract_tables_method: "yolox",
              extract_charts: false,
              extract_infographics: false,
              extract_page_as_image: false,
              text_depth: "document",
              table_output_format: "markdown",
            },
          },
        },
      ],
      tracing_options: { trace: true, ts_send: expect.any(Number) },
      pdf_config: {},
    });
    expect(encodeJob(job)).toMatch(/"ts_send":\d{19}[,}]/);
  });

  test("sends binary documents as base64 and text as text, and opens again", () => {
    const bytes = new Uint8Array([0, 37, 80, 68, 70, 255]).subarray(1);
    const job = createJob({
      documents: [
        { name: "a.PDF", id: "id-1", content: bytes },
        { name: "page.htm", content: new TextEncoder().encode("\uFEFF<p>é</p>") },
        { name: "no-extension", type: "JPG", content: "QUJD" },
      ],
      tasks: [splitTask({ chunkSize: 100 })],
      tracing: false,
      jobId: "my-job",
    });
    const message = open(encodeJob(job));
    expect(message.failedReason).toBeUndefined();
    expect([message.jobId, message.tracing]).toEqual(["my-job", false]);
    expect(message.payload).toEqual([
      {
        documentType: "pdf",
        content: Buffer.from(bytes).toString("base64"),
        sourceId: "id-1",
        sourceName: "a.PDF",
      },
      {
        documentType: "html",
        content: "\uFEFF<p>é</p>",
        sourceId: "page.htm",
        sourceName: "page.htm",
      },
      {
        documentType: "jpeg",
        content: "QUJD",
        sourceId: "no-extension",
        sourceName: "no-extension",
      },
    ]);
    expect(message.tasks[0]?.properties).toMatchObject({ chunk_size: 100, chunk_overlap: 25 });
  });

  test("refuses a name that tells no type, and text that is not UTF-8", () => {
    const create = (name: string, content: Uint8Array) => () =>
      createJob({ documents: [{ name, content }] });
    expect(create("archive.xyz", new Uint8Array())).toThrow(
      expect.objectContaining({ code: "MESSAGE_DOCUMENT_TYPE_UNKNOWN" }),
    );
    expect(create("latin.txt", new Uint8Array([0xe9]))).toThrow(
      expect.objectContaining({ code: "MESSAGE_DOCUMENT_NOT_UTF8" }),
    );
  });

  test("names the trace that the job belongs to as nv-ingest's clients do, and is read back", () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const job = createJob({ documents: [], traceId });
    expect(job.tracing_options.trace_id).toBe("100985939111033328018442752961257817910");
    const message = openJob(encodeJob(job), { sourceName: "test", fetchedAt: 1n });
    expect(message.getMetadata("trace_id")).toBe(job.tracing_options.trace_id);
    for (const wrong of ["", traceId.slice(1), traceId.toUpperCase(), "0".repeat(32)]) {
      expect(() => createJob({ documents: [], traceId: wrong })).toThrow(
        /"traceId": must be 32 hex/,
      );
    }
  });

  test("refuses options that it does not know", () => {
    expect(() => createJob({ documents: [], trace: true } as never)).toThrow(
      expect.objectContaining({ code: "OPTIONS_INVALID" }),
    );
  });
});

test.each([
  ["a.pdf", "pdf"],
  ["dir.d/a.TIF", "tiff"],
  ["a.tar.md", "text"],
  ["a.sh", "text"],
  ["a.json", "text"],
  ["a.mkv", "mkv"],
  ["a", undefined],
  ["pdf", undefined],
  ["dir.pdf/a", undefined],
  ["a.unknown", undefined],
  ["a.constructor", undefined],
])("the type of %s is %s", (name, type) => {
  expect(documentTypeOfName(name)).toBe(type);
});

describe("tasks", () => {
  test("charts follow tables unless told, and params win", () => {
    const { task_properties } = extractTask({
      documentType: "pdf",
      extractTables: false,
      textDepth: "page",
      params: { extract_images: false, pdf_extract_method: "pdfium" },
    });
    expect(task_properties.params).toMatchObject({
      extract_charts: false,
      text_depth: "page",
      extract_images: false,
      pdf_extract_method: "pdfium",
    });
    expect(() => extractTask({ documentType: "xyz" })).toThrow(
      expect.objectContaining({ code: "OPTIONS_INVALID" }),
    );
  });

  test("split has the client's defaults, and its further options where they belong", () => {
    expect(splitTask()).toEqual({
      type: "split",
      task_properties: { chunk_size: 1024, chunk_overlap: 150, params: {} },
    });
    expect(
      splitTask({
        tokenizer: "some/one",
        chunkSize: 512,
        chunkOverlap: 16,
        splitSourceTypes: ["PDF"],
      }),
    ).toEqual({
      type: "split",
      task_properties: {
        tokenizer: "some/one",
        chunk_size: 512,
        chunk_overlap: 16,
        params: { split_source_types: ["PDF"] },
      },
    });
  });
});
