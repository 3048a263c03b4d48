/**
 * Goal: jobs of all client generations are read, defaults are complete, and what is wrong is named.
 * Method: variations of one small valid job; defaults compared with a table written by hand.
 */
import { describe, expect, test } from "vitest";
import { TASK_TYPES } from "./enums.js";
import { readJob } from "./job.js";

const PAYLOAD = {
  content: ["hello"],
  source_name: ["a.txt"],
  source_id: ["a.txt"],
  document_type: ["text"],
};
const job = (members: object = {}) => ({
  job_payload: PAYLOAD,
  job_id: "j",
  tasks: [],
  ...members,
});
const withTask = (type: unknown, properties?: unknown) =>
  job({ tasks: [{ type, ...(properties === undefined ? {} : { task_properties: properties }) }] });
const faultsOf = (value: object, options?: { strictSchema: boolean }): string[] => {
  try {
    readJob(value, options);
  } catch (error) {
    expect(error).toMatchObject({ code: "MESSAGE_JOB_INVALID", kind: "input", retry: false });
    return (error as { details: { faults: string[] } }).details.faults;
  }
  return [];
};

const CAPTION = ["api_key", "endpoint_url", "prompt", "system_prompt", "model_name"];
const EMBED_FLAGS = ["text", "structured", "image", "audio"].map(
  (kind) => `embed_${kind}_elements`,
);
const MODALITIES = ["text", "structured", "image", "audio"].map(
  (kind) => `${kind}_elements_modality`,
);
const nulls = (...names: string[]) => Object.fromEntries(names.map((name) => [name, null]));

/** What a task must hold after opening when its client sent nothing but what is required. */
const DEFAULTS: Record<string, { sent: object; opened: object }> = {
  audio_data_extract: {
    sent: {},
    opened: nulls(
      "auth_token",
      "grpc_endpoint",
      "http_endpoint",
      "infer_protocol",
      "function_id",
      "use_ssl",
      "ssl_cert",
      "segment_audio",
    ),
  },
  caption: { sent: {}, opened: nulls(...CAPTION, "context_text_max_chars", "temperature") },
  chart_data_extract: { sent: {}, opened: { params: {} } },
  dedup: {
    sent: {},
    opened: {
      content_type: "image",
      params: {
        filter: false,
        enable_bbox_dedup: true,
        iou_threshold: 0.45,
        bbox_dedup_prefer_structured: true,
      },
    },
  },
  embed: {
    sent: {},
    opened: {
      ...nulls("endpoint_url", "model_name", "api_key", ...EMBED_FLAGS, ...MODALITIES),
      filter_errors: false,
      ...nulls("image_elements_aggregate_page_content", "custom_content_field"),
      ...nulls("result_target_field", "dimensions"),
    },
  },
  extract: {
    sent: { document_type: "PDF", method: "pdfium" },
    opened: { document_type: "pdf", method: "pdfium", params: {} },
  },
  filter: {
    sent: {},
    opened: {
      content_type: "image",
      params: { min_size: 128, max_aspect_ratio: 5, min_aspect_ratio: 0.2, filter: false },
    },
  },
  infographic_data_extract: { sent: {}, opened: { params: {} } },
  ocr_data_extract: { sent: {}, opened: { params: {} } },
  split: {
    sent: {},
    opened: { tokenizer: null, chunk_size: 1024, chunk_overlap: 150, params: {} },
  },
  store: {
    sent: {},
    opened: {
      structured: true,
      images: false,
      storage_uri: null,
      storage_options: {},
      public_base_url: null,
      params: {},
    },
  },
  store_embedding: { sent: {}, opened: { params: {} } },
  table_data_extract: { sent: {}, opened: { params: {} } },
  udf: {
    sent: { udf_function: "def f(m): return m", udf_function_name: "f", phase: 5 },
    opened: {
      udf_function: "def f(m): return m",
      udf_function_name: "f",
      phase: 5,
      run_before: false,
      run_after: false,
      target_stage: null,
    },
  },
  vdb_upload: {
    sent: {},
    opened: { bulk_ingest: false, bulk_ingest_path: null, params: null, filter_errors: true },
  },
};

describe("tasks", () => {
  test("the table below has all types", () => {
    expect(Object.keys(DEFAULTS).sort()).toEqual([...TASK_TYPES].sort());
  });

  test.each(TASK_TYPES)("%s holds all its defaults after opening, also nulls", (type) => {
    const { sent, opened } = DEFAULTS[type] ?? {};
    expect(readJob(withTask(type, sent)).tasks).toEqual([{ type, properties: opened }]);
  });

  test("defaults of one job are not shared with the next", () => {
    const [first] = readJob(withTask("filter")).tasks;
    (first?.properties.params as { min_size: number }).min_size = 1;
    expect(readJob(withTask("filter")).tasks[0]?.properties.params).toMatchObject({
      min_size: 128,
    });
  });

  test("a type is read in any case, and properties may be null", () => {
    expect(readJob(withTask("Table_Data_EXTRACT", null)).tasks).toEqual([
      { type: "table_data_extract", properties: { params: {} } },
    ]);
  });

  test("an alias of a document type is replaced", () => {
    const { tasks } = readJob(withTask("extract", { document_type: "JPG", method: "x" }));
    expect(tasks[0]?.properties.document_type).toBe("jpeg");
  });

  test.each([
    [{}, 1024, 150],
    [{ chunk_size: 151 }, 151, 150],
    [{ chunk_size: 150 }, 150, 37],
    [{ chunk_size: 100 }, 100, 25],
    [{ chunk_size: 1 }, 1, 0],
    [{ chunk_size: "64", chunk_overlap: 8 }, 64, 8],
  ])("split %j gives chunks of %i that share %i", (sent, size, overlap) => {
    expect(readJob(withTask("split", sent)).tasks[0]?.properties).toMatchObject({
      chunk_size: size,
      chunk_overlap: overlap,
    });
  });

  test("numbers and flags may come as text, as they may in nv-ingest", () => {
    const params = { min_size: "7", max_aspect_ratio: "2.5", filter: "True" };
    expect(readJob(withTask("filter", { params })).tasks[0]?.properties.params).toEqual({
      min_size: 7,
      max_aspect_ratio: 2.5,
      min_aspect_ratio: 0.2,
      filter: true,
    });
  });

  test.each([
    ["transform", {}, /^tasks\[0\]\.type: must be one of audio_data_extract, /],
    [undefined, {}, /^tasks\[0\]\.type: is missing$/],
    ["extract", { method: "m" }, /^tasks\[0\]\.task_properties\.document_type: is missing$/],
    ["extract", { document_type: "pdf" }, /^tasks\[0\]\.task_properties\.method: is missing$/],
    ["extract", { document_type: "xyz", method: "m" }, /document_type: must be one of bmp, docx/],
    ["split", { chunk_size: 0 }, /chunk_size: must be a whole number, 1 or more$/],
    ["split", { chunk_size: 1.5 }, /chunk_size: must be a whole number/],
    ["split", { chunk_size: 100, chunk_overlap: 100 }, /chunk_overlap: must be smaller/],
    ["split", { chunk_overlap: 2000 }, /chunk_overlap: must be smaller than chunk_size/],
    ["split", [], /^tasks\[0\]\.task_properties: /],
    ["dedup", { params: { iou_threshold: 2 } }, /params\.iou_threshold: must be a number from 0/],
    ["embed", { filter_errors: "maybe" }, /filter_errors: must be true or false$/],
    ["udf", { udf_function: "x" }, /udf_function_name: is missing$/],
    ["udf", { udf_function: "x", udf_function_name: "f" }, /exactly one of "phase" and "target/],
    ["udf", { udf_function: "x", udf_function_name: "f", phase: 6 }, /phase: must be a whole/],
    [
      "udf",
      { udf_function: "x", udf_function_name: "f", phase: 1, run_after: true },
      /need "target_stage"$/,
    ],
    [
      "udf",
      { udf_function: "x", udf_function_name: "f", target_stage: "s" },
      /needs "run_before" or "run_after"$/,
    ],
  ])("%s with %j is refused by path", (type, properties, fault) => {
    expect(faultsOf(withTask(type, properties))).toEqual([expect.stringMatching(fault)]);
  });
});

describe("top level and payload", () => {
  test("columns become rows, and aliases of document types are replaced", () => {
    const { rows } = readJob({
      job_id: 7,
      tasks: [],
      job_payload: {
        content: ["a", "b", "c"],
        source_name: ["n1", "n2", "n3"],
        source_id: ["i1", 2, "i3"],
        document_type: ["JPG", "md", "strange"],
      },
    });
    expect(rows).toEqual([
      { documentType: "jpeg", content: "a", sourceId: "i1", sourceName: "n1" },
      { documentType: "text", content: "b", sourceId: "2", sourceName: "n2" },
      { documentType: "strange", content: "c", sourceId: "i3", sourceName: "n3" },
    ]);
  });

  test("zero rows are accepted", () => {
    const none = { content: [], source_name: [], source_id: [], document_type: [] };
    expect(readJob(job({ job_payload: none })).rows).toEqual([]);
  });

  test("columns of different lengths are refused by name", () => {
    const payload = { ...PAYLOAD, source_id: [], document_type: ["text", "pdf"] };
    expect(faultsOf(job({ job_payload: payload }))).toEqual([
      "job_payload.source_id: has 0 elements, but content has 1",
      "job_payload.document_type: has 2 elements, but content has 1",
    ]);
  });

  test.each([
    ["missing payload", { job_payload: undefined }, "job_payload: is missing"],
    ["float as id", { job_id: 1.5 }, "job_id: must be a text or a whole number"],
    ["tasks missing", { tasks: undefined }, "tasks: is missing"],
    [
      "content that is no text",
      { job_payload: { ...PAYLOAD, content: [5] } },
      "job_payload.content[0]: Invalid input: expected string, received number",
    ],
    ["negative time", { tracing_options: { ts_send: -1 } }, /ts_send: must be a whole number of/],
    ["endless time", { tracing_options: { ts_send: 1e300 } }, /ts_send: must be a whole number/],
    ["unknown hint", { routing_options: { queue_hint: "huge" } }, /queue_hint: must be one of/],
    ["no pages", { pdf_config: { split_page_count: 0 } }, /split_page_count: must be a whole/],
    ["too many tasks", { tasks: Array(1_001).fill({ type: "caption" }) }, /^tasks: Too big/],
  ])("%s is refused", (_name, members, fault) => {
    const expected = typeof fault === "string" ? fault : expect.stringMatching(fault);
    expect(faultsOf(job(members))).toEqual([expected]);
  });

  test("too many rows are refused", () => {
    const column = Array(10_001).fill("x");
    const payload = {
      content: column,
      source_name: column,
      source_id: column,
      document_type: column,
    };
    expect(faultsOf(job({ job_payload: payload }))).toEqual([
      "job_payload.content: has more than 10000 elements",
    ]);
  });

  test("many faults are named up to a number and then counted", () => {
    const faults = faultsOf(job({ tasks: Array(1_000).fill({ type: "nope" }) }));
    expect(faults).toHaveLength(11);
    expect(faults.at(-1)).toBe("and 990 more");
  });

  test.each([
    [{}, true, undefined, undefined],
    [
      { tracing_options: null, routing_options: null, pdf_config: null },
      true,
      undefined,
      undefined,
    ],
    [{ tracing_options: {} }, true, undefined, undefined],
    [{ tracing_options: { trace: "false" } }, false, undefined, undefined],
    [{ tracing_options: { trace: true, ts_send: "12" } }, true, 12n, undefined],
    [{ tracing_options: { ts_send: 1e18, trace_id: 5 } }, true, 10n ** 18n, "5"],
    [{ routing_options: { queue_hint: "SMALL" }, pdf_config: {} }, true, undefined, undefined],
  ])("options %j", (members, tracing, sentAt, traceId) => {
    expect(readJob(job(members))).toMatchObject({ tracing, warnings: [] });
    expect(readJob(job(members)).sentAt).toBe(sentAt);
    expect(readJob(job(members)).traceId).toBe(traceId);
  });
});

describe("members that nobody knows", () => {
  const value = job({
    extra: 1,
    tracing_options: { span: "x" },
    tasks: [
      { type: "dedup", id: "1", task_properties: { hash_algorithm: "md5", params: { odd: 1 } } },
    ],
  });
  const WARNINGS = [
    "extra: unknown member",
    "tracing_options.span: unknown member",
    "tasks[0].id: unknown member",
    "tasks[0].task_properties.hash_algorithm: unknown member",
    "tasks[0].task_properties.params.odd: unknown member",
  ];

  test("are accepted, kept in the properties of tasks and named as warnings", () => {
    const opened = readJob(value);
    expect(opened.warnings).toEqual(WARNINGS);
    expect(opened.tasks[0]?.properties).toMatchObject({ hash_algorithm: "md5" });
    expect(opened.tasks[0]?.properties.params).toMatchObject({ odd: 1, filter: false });
  });

  test("are refused by strictSchema", () => {
    expect(faultsOf(value, { strictSchema: true })).toEqual(WARNINGS);
  });

  test("do not warn where objects are free", () => {
    const free = withTask("extract", { document_type: "pdf", method: "m", params: { any: 1 } });
    expect(readJob(free, { strictSchema: true }).warnings).toEqual([]);
  });
});

describe("bounds", () => {
  const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));

  test("nesting of any depth is refused, not followed", () => {
    const properties = { document_type: "pdf", method: "m", params: { deep: deep(100_000) } };
    expect(faultsOf(withTask("extract", properties))).toEqual([
      "job: is nested more than 64 levels deep",
    ]);
    expect(faultsOf(job({ extra: deep(100_000) }))).toHaveLength(1);
  });

  test("more values than any job needs are refused", () => {
    expect(faultsOf(job({ extra: Array(50_001).fill(0) }))).toEqual([
      "job: has more than 50000 values",
    ]);
  });

  test("almost as many unknown members are counted, not fatal", () => {
    const extras = Object.fromEntries(Array.from({ length: 49_000 }, (_, i) => [`m${i}`, 0]));
    expect(readJob(job(extras)).warnings.at(-1)).toBe("and 48990 more");
  });

  test("a member named __proto__ is refused wherever it stands", () => {
    const text = JSON.stringify(withTask("caption", { a: { b: 1 } }));
    const hostile = JSON.parse(text.replace('"b"', '"__proto__"'));
    expect(faultsOf(hostile)).toEqual(['job: a member named "__proto__" is not allowed']);
  });
});
