/**
 * Goal: each message gives one result that nv-ingest's clients understand, and results of other
 * servers are read as those clients read them.
 * Method: results built from messages made here, member order included; then recorded shapes.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { completeRowMetadata } from "./complete-row-metadata.js";
import { IngestControlMessage } from "./control-message.js";
import { buildResult, encodeResult, failedResult, failureCause, parseResult } from "./result.js";

function messageWith(options: { tracing: boolean }): IngestControlMessage {
  const message = new IngestControlMessage();
  message.payload = [
    { documentType: "text", content: "a", metadata: completeRowMetadata({ content: "a" }) },
    { documentType: "txt", content: "b", sourceId: "i", sourceName: "n", uuid: "u" },
  ];
  message.setMetadata("job_id", "j");
  message.setMetadata("config::add_trace_tagging", options.tracing);
  message.setTimestamp("trace::entry::s", 1_700_000_000_000_000_000n);
  message.setTimestamp("latency::ts_send", 5n);
  message.annotate({ sourceId: "s", message: "trace:: inside a text is no trace" });
  return message;
}

describe("buildResult", () => {
  test("of a success has its members in the order of the wire", () => {
    const result = buildResult(messageWith({ tracing: true }));
    expect(Object.keys(JSON.parse(encodeResult(result)))).toEqual([
      "status",
      "description",
      "data",
      "fragment",
      "fragment_count",
      "trace",
      "annotations",
    ]);
    expect(result).toMatchObject({
      status: "success",
      description: "Successfully processed the message.",
      fragment: 0,
      fragment_count: 1,
      trace: { "trace::entry::s": 1_700_000_000_000_000_000 },
    });
    expect(Object.keys(result.trace ?? {})).toEqual(["trace::entry::s"]);
    expect(Object.values(result.annotations ?? {})).toHaveLength(1);
  });

  test("sends type and metadata of each row and makes the metadata that are missing", () => {
    const { data } = buildResult(messageWith({ tracing: false }));
    expect(data?.map((row) => [Object.keys(row), row.document_type, row.metadata.content])).toEqual(
      [
        [["document_type", "metadata"], "text", "a"],
        [["document_type", "metadata"], "text", "b"],
      ],
    );
    expect(data?.[1]?.metadata.source_metadata).toMatchObject({ source_id: "i", source_name: "n" });
  });

  test("of a success without tracing sends neither trace nor annotations", () => {
    const result = buildResult(messageWith({ tracing: false }));
    expect(result).not.toHaveProperty("trace");
    expect(result).not.toHaveProperty("annotations");
  });

  test("of a message without rows has an empty list", () => {
    expect(buildResult(new IngestControlMessage()).data).toEqual([]);
  });

  test("of a failure has no data and always its annotations", () => {
    const message = messageWith({ tracing: false });
    message.fail({ stage: "extract-pdf", cause: new Error("broken") });
    const result = buildResult(message);
    expect(Object.keys(result)).toEqual([
      "status",
      "description",
      "data",
      "fragment",
      "fragment_count",
      "annotations",
    ]);
    expect(result).toMatchObject({
      status: "failed",
      description: "Failed to process the message.",
      data: null,
    });
    expect(failureCause(result)).toBe("Error in extract-pdf: broken");
  });

  test("of rows that no metadata can be made for is a failure with the cause", () => {
    const message = messageWith({ tracing: true });
    message.payload.push({ documentType: "mkv" });
    const result = buildResult(message);
    expect(result.status).toBe("failed");
    expect(result.description).toMatch(/^Failed to forward message: unsupported document type/);
    expect(failureCause(result)).toMatch(/^unsupported document type "mkv"/);
    expect(result.trace).toEqual({ "trace::entry::s": 1_700_000_000_000_000_000 });
  });
});

describe("failedResult", () => {
  test("needs no message", () => {
    const result = failedResult({ cause: "queue is gone", description: "d", stage: "sink" });
    expect(result).toMatchObject({ status: "failed", description: "d", data: null });
    expect(Object.values(result.annotations ?? {})).toEqual([
      {
        source_id: "sink",
        task_id: "sink",
        task_result: "FAILURE",
        message: "queue is gone",
        error: "queue is gone",
      },
    ]);
  });

  test("can be written also when an annotation of the message cannot", () => {
    const message = messageWith({ tracing: true });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    message.annotate({ sourceId: "user", cycle });
    message.annotate({ sourceId: "user", big: "x".repeat(1_000_000) });
    expect(() => encodeResult(buildResult(message))).toThrow(
      expect.objectContaining({ code: "MESSAGE_RESULT_NOT_ENCODABLE" }),
    );
    const result = parseResult(encodeResult(failedResult({ cause: new Error("c"), message })));
    expect(Object.values(result.annotations ?? {})).toHaveLength(2);
    expect(failureCause(result)).toBe("c");
  });
});

describe("encodeResult", () => {
  test("writes numbers that JSON lacks as null and dates as ISO text", () => {
    const message = new IngestControlMessage();
    const metadata = completeRowMetadata({ embedding: [Number.NaN, Number.POSITIVE_INFINITY, 1] });
    metadata.at = new Date(0);
    message.payload = [{ documentType: "text", metadata }];
    const [row] = JSON.parse(encodeResult(buildResult(message))).data;
    expect(row.metadata.embedding).toEqual([null, null, 1]);
    expect(row.metadata.at).toBe("1970-01-01T00:00:00.000Z");
  });
});

describe("parseResult", () => {
  const parse = (value: unknown) => parseResult(JSON.stringify(value));

  test("gives back what was built", () => {
    const built = buildResult(messageWith({ tracing: true }));
    expect(parseResult(encodeResult(built))).toEqual(built);
  });

  test("fills in what is missing and leaves out what is null", () => {
    expect(parse({ status: "success", description: null, trace: null, annotations: null })).toEqual(
      { status: "success", description: "", data: null, fragment: 0, fragment_count: 1 },
    );
  });

  test.each([
    ["success", "success"],
    ["done", "success"],
    ["failed", "failed"],
    ["fail", "failed"],
    ["", "failed"],
    [undefined, "failed"],
    ["error", "failed"],
  ])("status %j is a %s", (status, outcome) => {
    expect(parse({ status, data: [] }).status).toBe(outcome);
  });

  test("takes the text of an old server's error document", () => {
    expect(parse({ status: "error", error_message: "why" }).description).toBe("why");
  });

  test.each([
    ["not JSON", "this is not json"],
    ["a list", "[]"],
    ["a string", '"text"'],
    ["null", "null"],
    ["a status that is null", '{"status":null}'],
    ["data that are no list", '{"status":"success","data":{}}'],
    ["a row that is no object", '{"status":"success","data":[1]}'],
    ["a trace of texts", '{"status":"success","trace":{"a":"b"}}'],
  ])("refuses %s", (_name, text) => {
    expect(() => parseResult(text)).toThrow(
      expect.objectContaining({ code: "MESSAGE_RESULT_INVALID", kind: "input" }),
    );
  });
});

const SHAPES = "../shared/vectors/client_result_shapes.json";

describe.runIf(existsSync(SHAPES))("recorded result shapes", () => {
  test("succeed, fail and are refused as with nv-ingest's client", () => {
    const { shapes } = JSON.parse(readFileSync(SHAPES, "utf8"));
    const ingestor = "Ingestor.ingest(return_failures, return_traces)";
    // Where its client takes "error" for a success, or stumbles over a null, ours is meant to differ.
    const differing = ["status 'error'", "description null", "status failed, annotations null"];
    for (const { shape, result, [ingestor]: recorded } of shapes) {
      if (differing.includes(shape)) continue;
      const text = result === "this is not json" ? result : JSON.stringify(result);
      let ours: string;
      try {
        ours = parseResult(text).status === "success" ? "ok" : "failed";
      } catch {
        ours = "failed";
      }
      expect([shape, ours]).toEqual([shape, recorded.startsWith("ok") ? "ok" : "failed"]);
    }
  });
});
