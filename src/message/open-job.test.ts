/**
 * Goal: every text becomes a control message, and a failed one says why to its client.
 * Method: jobs written here, jobs recorded from nv-ingest's clients where they are at hand, and
 * hostile texts made by fast-check out of arbitrary JSON and of valid jobs with one part replaced.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IngestControlMessage } from "./control-message.js";
import { openJob } from "./open-job.js";
import { buildResult, encodeResult, failureCause, parseResult } from "./result.js";

const OPTIONS = { sourceName: "source", fetchedAt: 1_000n };
const open = (value: unknown) =>
  openJob(typeof value === "string" ? value : JSON.stringify(value), OPTIONS);
const annotationsOf = (message: IngestControlMessage) =>
  Object.values(message.getMetadata(/^annotation::/, {}));

const PARAMS = { extract_text: true, text_depth: "document" };
const JOB = {
  job_payload: {
    source_name: ["a.txt"],
    source_id: ["a.txt"],
    content: ["hello world"],
    document_type: ["text"],
  },
  job_id: "8a0b",
  tasks: [
    {
      type: "extract",
      task_properties: { document_type: "text", method: "pdfium", params: PARAMS },
    },
    { type: "split", task_properties: { chunk_size: 64, chunk_overlap: 8, params: {} } },
  ],
  tracing_options: { trace: true, ts_send: 500 },
  pdf_config: {},
};

describe("a good job", () => {
  test("becomes rows, tasks, metadata and times", () => {
    const message = open(JOB);
    expect(message.failed).toBe(false);
    expect(message.payload).toEqual([
      { documentType: "text", content: "hello world", sourceId: "a.txt", sourceName: "a.txt" },
    ]);
    expect(message.tasks.map(({ type }) => type)).toEqual(["extract", "split"]);
    expect(message.tasks[0]?.properties.params).toEqual(PARAMS);
    expect(message.jobId).toBe("8a0b");
    expect(message.listMetadata().map((key) => key.replace(/::[\da-f-]+$/, "::uuid"))).toEqual([
      "timestamp",
      "response_channel",
      "job_id",
      "annotation::uuid",
      "config::add_trace_tagging",
    ]);
    expect(annotationsOf(message)).toEqual([{ source_id: "source", message: "Created" }]);
    expect(message.getTimestamp("trace::entry::broker_source_network_in")).toBe(500n);
    expect(message.getTimestamp("trace::exit::broker_source_network_in")).toBe(1_000n);
    const entry = message.getTimestamp("trace::entry::message_broker_task_source", true) as bigint;
    const exit = message.getTimestamp("trace::exit::message_broker_task_source", true) as bigint;
    expect(exit >= entry).toBe(true);
    expect(message.getTimestamp("latency::ts_send")).toBeTypeOf("bigint");
  });

  test("without tracing has no trace, but still its start of the wait for the next stage", () => {
    const message = open({ ...JOB, tracing_options: { trace: false, ts_send: 5, trace_id: 77 } });
    expect(message.tracing).toBe(false);
    expect(message.filterTimestamp(/^trace::/)).toEqual({});
    expect(message.hasMetadata("trace_id")).toBe(true);
    expect(message.getMetadata("trace_id")).toBe("77");
    expect(message.getTimestamp("latency::ts_send")).toBeTypeOf("bigint");
  });

  test("without a time of sending has no network span", () => {
    const message = open({ ...JOB, tracing_options: null });
    expect(message.tracing).toBe(true);
    expect(message.filterTimestamp(/network_in/)).toEqual({});
  });

  test("with a number as its id is answered under its decimal text", () => {
    const message = open({ ...JOB, job_id: 42 });
    expect([message.jobId, message.getMetadata("response_channel")]).toEqual(["42", "42"]);
  });

  test("with members that nobody knows tells its client and the logger", () => {
    const told: unknown[] = [];
    const ignore = () => {};
    const logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (details: object) => told.push(details),
    };
    const message = openJob(JSON.stringify({ ...JOB, extra: 1 }), { ...OPTIONS, logger });
    expect(message.failed).toBe(false);
    expect(annotationsOf(message)).toContainEqual({
      source_id: "source",
      message: "extra: unknown member",
    });
    // What the sender named its members is not for the log.
    expect(told).toEqual([{ jobId: "8a0b", count: 1 }]);
  });

  test("keeps a content of many megabytes as it is", () => {
    const content = "QUJD".repeat(4_000_000);
    const message = open({ ...JOB, job_payload: { ...JOB.job_payload, content: [content] } });
    expect(message.payload[0]?.content).toBe(content);
  });
});

describe("a bad job", () => {
  test.each([
    ["unequal columns", { job_payload: { ...JOB.job_payload, content: [] } }, /source_name: has 1/],
    ["an unknown task", { tasks: [{ type: "transform" }] }, /^tasks\[0\]\.type: must be one of/],
    ["no payload", { job_payload: undefined }, /^job_payload: is missing$/],
    ["wrong tracing options", { tracing_options: 5 }, /^tracing_options: Invalid input/],
  ])("with %s fails on its job id, and the result shows the cause", (_name, members, cause) => {
    const message = open({ ...JOB, ...members });
    expect([message.jobId, message.getMetadata("response_channel")]).toEqual(["8a0b", "8a0b"]);
    expect(message.failed).toBe(true);
    expect(message.failedReason).toMatch(cause);
    const reason = message.failedReason as string;
    expect(annotationsOf(message)).toEqual([
      {
        source_id: "source",
        task_id: "job_validation",
        task_result: "FAILURE",
        message: reason,
        error: reason,
      },
    ]);
    const result = parseResult(encodeResult(buildResult(message)));
    expect(result).toMatchObject({ status: "failed", data: null });
    expect(failureCause(result)).toBe(reason);
  });

  test("is refused for unknown members only when the schema is strict", () => {
    const message = openJob(JSON.stringify({ ...JOB, extra: 1 }), {
      ...OPTIONS,
      strictSchema: true,
    });
    expect(message.failedReason).toBe("extra: unknown member");
  });

  test("nested 100,000 levels deep fails on its job id", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const message = open(JSON.stringify(JOB).replace('"document"', deep));
    expect(message.jobId).toBe("8a0b");
    expect(message.failedReason).toBe("job: is nested more than 64 levels deep");
    expect(encodeResult(buildResult(message))).toContain("levels deep");
  });

  test.each([
    ["no JSON", "{", "job: the text is not JSON"],
    ["an empty text", "", "job: the text is not JSON"],
    ["a list", "[]", "job: the text is no JSON object"],
    ["null", "null", "job: the text is no JSON object"],
    ["no id", { ...JOB, job_id: undefined }, "job_id: is missing"],
    ["null as id", { ...JOB, job_id: null }, "job_id: must be a text or a whole number"],
    ["an empty id", { ...JOB, job_id: "" }, "job_id: must be a text or a whole number"],
    ["a float as id", { ...JOB, job_id: 1.5 }, "job_id: must be a text or a whole number"],
    ["an id beyond 2^53", { ...JOB, job_id: 2 ** 60 }, "job_id: must be a text or a whole number"],
    [
      "half a character in the id",
      { ...JOB, job_id: "\ud800" },
      "job_id: holds an unpaired surrogate",
    ],
    ["an endless id", { ...JOB, job_id: "é".repeat(513) }, "job_id: is longer than 1024 bytes"],
  ])("that is or has %s fails and cannot be answered", (_name, value, reason) => {
    const message = open(value);
    expect(message.jobId).toBeUndefined();
    expect(message.hasMetadata("response_channel")).toBe(false);
    expect(message.failed).toBe(true);
    expect(message.failedReason).toBe(reason);
  });

  test("does not show a piece of its text in the reason", () => {
    expect(open("{secret").failedReason).not.toContain("secret");
  });
});

/** What must hold for any text at all. */
function expectTotal(text: string): void {
  const message = openJob(text, OPTIONS);
  const encoded = encodeResult(buildResult(message));
  const result = parseResult(encoded);
  expect(encoded).not.toMatch(/[:,[](NaN|-?Infinity)/);
  if (message.failed) expect(failureCause(result)).toBe(message.failedReason);
  else expect(result.status === "success" || failureCause(result) !== undefined).toBe(true);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

const hostileKey = fc.constantFrom("__proto__", "constructor", "toJSON", "", "type", "params");
const hostileValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1, 1e308, 2 ** 63, "", "text", "extract", { polluted: 1 }),
    fc.string(),
    fc.double(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(hostileKey, fc.string()), tie("value"), { maxKeys: 4 }),
  ),
})).value;

/** The paths of all parts of a value, the whole of it first. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([k, v]) => pathsOf(v).map((rest) => [k, ...rest]))];
}

function replaceAt(value: unknown, path: readonly string[], part: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return part;
  const copy: unknown = Array.isArray(value) ? [...value] : { ...(value as object) };
  Reflect.set(copy as object, key, replaceAt(Reflect.get(value as object, key), rest, part));
  return copy;
}

describe("any text", () => {
  test("that is a string of characters opens", () => {
    fc.assert(fc.property(fc.string(), expectTotal));
  });

  test("that is JSON opens", () => {
    fc.assert(fc.property(hostileValue, (value) => expectTotal(JSON.stringify(value))));
  });

  test("that is a good job with any one part replaced opens", () => {
    const change = fc.record({ path: fc.constantFrom(...pathsOf(JOB)), part: hostileValue });
    fc.assert(
      fc.property(change, ({ path, part }) =>
        expectTotal(JSON.stringify(replaceAt(JOB, path, part))),
      ),
      { numRuns: 1_000 },
    );
  });
});

const VECTORS = "../shared/vectors";

describe.runIf(existsSync(VECTORS))("jobs recorded from nv-ingest's clients", () => {
  const names = existsSync(VECTORS) ? readdirSync(VECTORS) : [];
  const read = (name: string) => JSON.parse(readFileSync(`${VECTORS}/${name}`, "utf8"));

  test.each(names.filter((name) => /^jobspec_(?!tasks)/.test(name)))("%s opens", (name) => {
    // The content of one of them was cut, so its text was not recorded.
    const { jobSpec, serialized } = read(name);
    const message = openJob(serialized ?? JSON.stringify(jobSpec), {
      ...OPTIONS,
      strictSchema: true,
    });
    expect(message.failedReason).toBeUndefined();
    expect(message.payload.map(({ content }) => content)).toEqual(jobSpec.job_payload.content);
    expect(message.tasks.map(({ type }) => type)).toEqual(
      jobSpec.tasks.map(({ type }: { type: string }) => type),
    );
    for (const [index, { task_properties }] of jobSpec.tasks.entries()) {
      expect(message.tasks[index]?.properties).toMatchObject(task_properties);
    }
    expect(buildResult(message).status).toBe("success");
  });

  test("each kind of task that the client writes is read", () => {
    const { tasks } = read("jobspec_tasks.json");
    expect(Object.keys(tasks).length).toBeGreaterThan(10);
    for (const [name, task] of Object.entries<{ type: string; task_properties: object }>(tasks)) {
      const text = JSON.stringify({ ...JOB, tasks: [task] });
      const message = openJob(text, { ...OPTIONS, strictSchema: true });
      expect([name, message.failedReason]).toEqual([name, undefined]);
      expect(message.tasks[0]?.type).toBe(task.type);
      expect(message.tasks[0]?.properties).toMatchObject(task.task_properties);
    }
  });

  test.each(names.filter((name) => name.startsWith("flow_")))("the jobs of %s open", (name) => {
    const pushed: string[] = read(name)
      .exchanges.filter(({ payload = "" }) => String(payload).includes("PUSH_FOR_NV_INGEST"))
      .map(({ payload }: { payload: string }) => JSON.parse(payload).message);
    expect(pushed.length).toBeGreaterThan(0);
    for (const text of pushed) {
      const message = openJob(text, { ...OPTIONS, strictSchema: true });
      expect(message.failedReason).toBeUndefined();
      expect(message.jobId).toBe("None");
    }
  });
});
