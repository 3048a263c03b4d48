/**
 * Goal: the control message keeps what stages put in and gives it back as documented.
 * Method: each group of operations on a fresh message; copies are changed and the original compared.
 */
import { describe, expect, test } from "vitest";
import { IngestControlMessage } from "./control-message.js";
import type { Row } from "./row-metadata.js";

describe("tasks", () => {
  test("are kept in order, and the same id may occur twice", () => {
    const message = new IngestControlMessage();
    message.addTask({ type: "extract", id: "a", properties: { document_type: "pdf" } });
    message.addTask({ type: "split", id: "a" });
    expect(message.getTasks().map(({ type }) => type)).toEqual(["extract", "split"]);
    expect(message.tasks[0]?.taskProperties).toBe(message.tasks[0]?.properties);
    expect(message.removeTask("a").type).toBe("extract");
    expect(message.removeTask("a").type).toBe("split");
    expect(message.hasTask("a")).toBe(false);
  });

  test("get a UUID as id when none is given", () => {
    const task = new IngestControlMessage().addTask({ type: "embed" });
    expect(task.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(task.properties).toEqual({});
  });

  test("with an unknown id throw on removeTask and give undefined on tryRemoveTask", () => {
    const message = new IngestControlMessage();
    expect(() => message.removeTask("nope")).toThrow(
      expect.objectContaining({ code: "MESSAGE_TASK_UNKNOWN" }),
    );
    expect(message.tryRemoveTask("nope")).toBeUndefined();
  });

  test("are taken by type and criteria, the first that satisfies them", () => {
    const message = new IngestControlMessage();
    message.addTask({ type: "extract", id: "1", properties: { document_type: "docx" } });
    message.addTask({ type: "extract", id: "2", properties: { document_type: "pdf" } });
    expect(message.hasTaskOfType("extract", { document_type: "html" })).toBe(false);
    expect(message.takeTask("extract", { document_type: "pdf" })?.id).toBe("2");
    expect(message.takeTask("extract", { document_type: "pdf" })).toBeUndefined();
    expect(message.takeTask("extract")?.id).toBe("1");
    expect(message.hasTaskOfType("extract")).toBe(false);
  });

  test("of one type are all removed at once, and their properties returned", () => {
    const message = new IngestControlMessage();
    message.addTask({ type: "filter", properties: { n: 1 } });
    message.addTask({ type: "split" });
    message.addTask({ type: "filter", properties: { n: 2 } });
    expect(message.removeAllTasksByType("filter")).toEqual([{ n: 1 }, { n: 2 }]);
    expect(message.removeAllTasksByType("filter")).toEqual([]);
    expect(message.getTasks()).toHaveLength(1);
  });

  test("may be removed while looping over them", () => {
    const message = new IngestControlMessage();
    for (const id of ["1", "2", "3"]) message.addTask({ type: "store", id });
    for (const { id } of message.tasks) message.removeTask(id);
    expect(message.tasks).toEqual([]);
  });

  test("without a type, or with properties that are no object, are a TypeError", () => {
    const message = new IngestControlMessage();
    expect(() => message.addTask({ type: "" })).toThrow(TypeError);
    expect(() => message.addTask({ type: "split", properties: null as never })).toThrow(TypeError);
    expect(() => message.addTask({ type: "split", id: 1 as never })).toThrow(TypeError);
  });
});

describe("payload", () => {
  test("is an empty array at first and then the array that was set", () => {
    const message = new IngestControlMessage();
    expect(message.payload).toEqual([]);
    const rows: Row[] = [{ documentType: "text", content: "a" }];
    message.payload = rows;
    expect(message.payload).toBe(rows);
  });

  test.each([[null], ["text"], [{}], [[null]], [[{ content: "x" }]]])("refuses %j", (rows) => {
    const message = new IngestControlMessage();
    expect(() => {
      message.payload = rows as never;
    }).toThrow(TypeError);
    expect(message.payload).toEqual([]);
  });
});

describe("metadata and configuration", () => {
  test("give a value by key, matching entries by expression, all without a key", () => {
    const message = new IngestControlMessage();
    message.setMetadata("job_id", "j");
    message.setMetadata("a::1", 1);
    message.setMetadata("a::2", undefined);
    expect(message.getMetadata("job_id")).toBe("j");
    expect(message.getMetadata("a::2", "fallback")).toBeUndefined();
    expect(message.getMetadata("none", "fallback")).toBe("fallback");
    expect(message.getMetadata(/^a::/)).toEqual({ "a::1": 1, "a::2": undefined });
    expect(message.getMetadata(/^b::/)).toBeUndefined();
    expect(message.getMetadata(/^b::/, {})).toEqual({});
    expect(message.getMetadata()).toEqual({ job_id: "j", "a::1": 1, "a::2": undefined });
    expect(message.listMetadata()).toEqual(["job_id", "a::1", "a::2"]);
    expect(message.hasMetadata("job_id")).toBe(true);
    expect(message.hasMetadata(/2$/)).toBe(true);
    expect(message.hasMetadata(/3$/)).toBe(false);
  });

  test("are found also by an expression that remembers its place", () => {
    const message = new IngestControlMessage();
    message.setMetadata("x1", 1);
    message.setMetadata("x2", 2);
    const expression = /x/g;
    expect(message.getMetadata(expression)).toEqual({ x1: 1, x2: 2 });
    expect(message.hasMetadata(expression)).toBe(true);
  });

  test("merge configuration member by member and give out a copy", () => {
    const message = new IngestControlMessage();
    message.config({ a: 1, b: 1 });
    message.config({ b: 2 });
    const config = message.config();
    config.a = 9;
    expect(message.config()).toEqual({ a: 1, b: 2 });
  });

  test("name the job, also when its id is a number", () => {
    const message = new IngestControlMessage();
    expect(message.jobId).toBeUndefined();
    message.setMetadata("job_id", 7);
    expect(message.jobId).toBe("7");
  });
});

describe("timestamps", () => {
  test.each([
    [1n, 1n],
    [new Date(5), 5_000_000n],
    ["1970-01-01T00:00:01Z", 1_000_000_000n],
    ["1970-01-01T00:00:00.123456789Z", 123_456_789n],
    ["1970-01-01 00:00:00.5+00:00", 500_000_000n],
    ["1970-01-02", 86_400_000_000_000n],
  ])("%s is %s ns", (value, nanoseconds) => {
    const message = new IngestControlMessage();
    message.setTimestamp("t", value);
    expect(message.getTimestamp("t")).toBe(nanoseconds);
  });

  test.each([["yesterday"], ["2025-13-45"], [new Date(Number.NaN)], [5], [null]])(
    "%s is refused",
    (value) => {
      const message = new IngestControlMessage();
      expect(() => message.setTimestamp("t", value as never)).toThrow(TypeError);
    },
  );

  test("that were never set are undefined, or an error when they must exist", () => {
    const message = new IngestControlMessage();
    expect(message.getTimestamp("t")).toBeUndefined();
    expect(() => message.getTimestamp("t", true)).toThrow(
      expect.objectContaining({ code: "MESSAGE_TIMESTAMP_UNKNOWN" }),
    );
  });

  test("are given out as maps, all or by expression", () => {
    const message = new IngestControlMessage();
    message.setTimestamp("trace::entry::a", 1n);
    message.setTimestamp("latency::ts_send", 2n);
    expect(message.getTimestamps()).toEqual({ "trace::entry::a": 1n, "latency::ts_send": 2n });
    expect(message.filterTimestamp(/^trace::/)).toEqual({ "trace::entry::a": 1n });
  });
});

describe("annotations and failure", () => {
  const annotationsOf = (message: IngestControlMessage) =>
    Object.values(message.getMetadata(/^annotation::/, {}));

  test("an annotation has the members that clients read, and others as given", () => {
    const message = new IngestControlMessage();
    message.annotate({
      sourceId: "s",
      taskId: "t",
      taskResult: "SUCCESS",
      message: "m",
      error: undefined,
      pages: 3,
    });
    expect(annotationsOf(message)).toEqual([
      { source_id: "s", task_id: "t", task_result: "SUCCESS", message: "m", pages: 3 },
    ]);
    expect(message.getTimestamp("annotation::m")).toBeTypeOf("bigint");
  });

  test("the reserved member annotation_timestamp is refused", () => {
    const message = new IngestControlMessage();
    expect(() => message.annotate({ sourceId: "s", annotation_timestamp: 1 })).toThrow(TypeError);
  });

  test("a failure says where and why, and the first one stays the reason", () => {
    const message = new IngestControlMessage();
    expect(message.failed).toBe(false);
    expect(message.failedReason).toBeUndefined();
    message.fail({ stage: "extract-pdf", cause: new Error("no pages"), sourceId: "worker" });
    message.fail({ stage: "split", cause: "late" });
    expect(message.failed).toBe(true);
    expect(message.failedReason).toBe("Error in extract-pdf: no pages");
    expect(annotationsOf(message)).toEqual([
      {
        source_id: "worker",
        task_id: "extract-pdf",
        task_result: "FAILURE",
        message: "Error in extract-pdf: no pages",
        error: "no pages",
      },
      {
        source_id: "split",
        task_id: "split",
        task_result: "FAILURE",
        message: "Error in split: late",
        error: "late",
      },
    ]);
  });

  test("a cause of any length and kind is cut to what people read", () => {
    const message = new IngestControlMessage();
    message.fail({ stage: "s", cause: new Error("x".repeat(1_000_000)) });
    expect(message.failedReason?.length).toBeLessThan(5_000);
  });
});

describe("copy", () => {
  test("is independent of the original in every part", () => {
    const message = new IngestControlMessage();
    const bytes = new Uint8Array([1, 2]);
    message.payload = [{ documentType: "text", content: "a", metadata: { tags: ["x"] } as never }];
    message.addTask({ type: "extract", id: "1", properties: { params: { deep: [1] } } });
    message.setMetadata("object", { list: [1], bytes, at: new Date(1) });
    message.setTimestamp("t", 1n);
    message.config({ nested: { a: 1 } });
    const copy = message.copy();

    const [row] = copy.payload as unknown as { metadata: { tags: string[] } }[];
    row?.metadata.tags.push("y");
    copy.payload.push({ documentType: "pdf" });
    const [task] = copy.tasks as unknown as { properties: { params: { deep: number[] } } }[];
    task?.properties.params.deep.push(2);
    copy.removeTask("1");
    const object = copy.getMetadata("object") as { list: number[]; bytes: Uint8Array; at: Date };
    object.list.push(2);
    object.bytes[0] = 9;
    object.at.setTime(2);
    copy.setTimestamp("t", 2n);
    (copy.config().nested as { a: number }).a = 2;

    expect(message.payload).toEqual([
      { documentType: "text", content: "a", metadata: { tags: ["x"] } },
    ]);
    expect(message.tasks[0]?.properties).toEqual({ params: { deep: [1] } });
    expect(message.getMetadata("object")).toEqual({
      list: [1],
      bytes: new Uint8Array([1, 2]),
      at: new Date(1),
    });
    expect(message.getTimestamp("t")).toBe(1n);
    expect(message.config()).toEqual({ nested: { a: 1 } });
  });

  test("keeps cycles, shares what is no plain data, and no nesting overflows the stack", () => {
    const message = new IngestControlMessage();
    const cycle: Record<string, unknown> = { work: () => 1 };
    cycle.self = cycle;
    message.setMetadata("cycle", cycle);
    message.setMetadata("deep", JSON.parse("[".repeat(100_000) + "]".repeat(100_000)));
    message.setMetadata("named", JSON.parse('{"__proto__":{"polluted":true}}'));
    const copy = message.copy();
    const copied = copy.getMetadata("cycle") as typeof cycle;
    expect(copied).not.toBe(cycle);
    expect(copied.self).toBe(copied);
    expect(copied.work).toBe(cycle.work);
    const named = copy.getMetadata("named") as { polluted?: boolean };
    expect(named.polluted).toBeUndefined();
    expect(Object.keys(named)).toEqual(["__proto__"]);
  });
});
