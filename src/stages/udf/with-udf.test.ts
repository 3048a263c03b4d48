/**
 * Goal: registered functions run where tasks and hooks say and nowhere else; nothing from a job is
 * run or shown; whatever a name is, it is only looked up.
 * Method: stages that note their turn, called one after the other as the pipeline does.
 */
import { expect, test } from "vitest";
import { silentLogger } from "../../core/index.js";
import { IngestControlMessage } from "../../message/index.js";
import type { BatchOutcome, ProcessingFunction, Stage } from "../../pipeline/index.js";
import { stageContext } from "../../testing/index.js";
import type { UdfOptions } from "./udf-options.js";
import { withUdf } from "./with-udf.js";

/** Text that would be noticed wherever it is run or shown. */
const SOURCE = "globalThis.ranFromTheWire = true; def secret(control_message): pass";

interface TaskShape {
  readonly name?: unknown;
  readonly target?: string;
  readonly before?: boolean;
  readonly after?: boolean;
  readonly phase?: number;
}

/** The properties of a task as they are when a job was opened. */
function udf({ name = "mark", target, before = false, after = false, phase }: TaskShape = {}) {
  return {
    type: "udf",
    properties: {
      udf_function: SOURCE,
      udf_function_name: name,
      phase: phase ?? null,
      target_stage: target ?? null,
      run_before: before,
      run_after: after,
    },
  };
}

const turnsOf = (message: IngestControlMessage) => message.getMetadata("turns", []) as string[];

function take(message: IngestControlMessage, turn: string): IngestControlMessage {
  message.setMetadata("turns", [...turnsOf(message), turn]);
  return message;
}

const turn =
  (name: string): ProcessingFunction =>
  (message) =>
    take(message, name);

function stage(name: string, rest: Partial<Stage> = {}): Stage {
  return { name, process: turn(name), ...rest };
}

const CHAIN = ["metadata_injector", "pdf_extractor", "docx_extractor", "image_filter"];

/** As the pipeline does: skips stages that have no work, stops at a failure. */
async function work(stages: readonly Stage[], tasks: readonly ReturnType<typeof udf>[]) {
  let message = new IngestControlMessage();
  for (const task of tasks) message.addTask(task);
  for (const each of stages) {
    if (message.failed || each.accepts?.(message) === false) continue;
    try {
      message = await each.process(message, stageContext());
    } catch (cause) {
      message.fail({ stage: each.name, cause });
    }
  }
  return message;
}

async function run(tasks: readonly TaskShape[], options: UdfOptions = {}, chain = CHAIN) {
  const registry = { mark: turn("mark"), other: turn("other"), ...options.registry };
  const stages = withUdf(
    chain.map((name) => stage(name)),
    { ...options, registry },
  );
  return work(stages, tasks.map(udf));
}

test.each<readonly [string, TaskShape, string]>([
  ["before a stage", { target: "docx_extractor", before: true }, "mi pdf MARK docx if"],
  ["after a stage", { target: "docx_extractor", after: true }, "mi pdf docx MARK if"],
  [
    "on both sides",
    { target: "pdf_extractor", before: true, after: true },
    "mi MARK pdf MARK docx if",
  ],
  ["before the first stage", { target: "metadata_injector", before: true }, "MARK mi pdf docx if"],
  ["after the last stage", { target: "image_filter", after: true }, "mi pdf docx if MARK"],
  ["phase 1, extraction", { phase: 1 }, "mi MARK pdf docx if"],
  ["phase 2, which has no stage: before the next", { phase: 2 }, "mi pdf docx MARK if"],
  ["phase 3, mutation", { phase: 3 }, "mi pdf docx MARK if"],
  ["phase 5, behind all stages", { phase: 5 }, "mi pdf docx if MARK"],
])("a task's function runs where it asks: %s", async (_, task, order) => {
  const message = await run([task]);
  const short = new Map([
    ["mi", "metadata_injector"],
    ["pdf", "pdf_extractor"],
    ["docx", "docx_extractor"],
    ["if", "image_filter"],
    ["MARK", "mark"],
  ]);
  expect(turnsOf(message)).toEqual(order.split(" ").map((word) => short.get(word)));
  expect(message.failed).toBe(false);
  expect(message.hasTaskOfType("udf")).toBe(false);
});

test("several tasks run in their order, each at its place", async () => {
  const message = await run([
    { name: "other", target: "pdf_extractor", before: true },
    { name: "mark", phase: 1 },
    { name: "mark", target: "pdf_extractor", after: true },
    { name: "other", target: "metadata_injector", after: true },
  ]);
  expect(turnsOf(message)).toEqual([
    ...["metadata_injector", "other"],
    ...["other", "mark", "pdf_extractor", "mark"],
    ...["docx_extractor", "image_filter"],
  ]);
  expect(message.getTasks()).toEqual([]);
});

test("a function runs also where its stage has no work, and the stage then does not", async () => {
  const idle = stage("pdf_extractor", { accepts: () => false });
  const stages = withUdf([idle], { registry: { mark: turn("mark") } });
  const message = await work(stages, [udf({ target: "pdf_extractor", before: true })]);
  expect(turnsOf(message)).toEqual(["mark"]);
  expect(turnsOf(await work(stages, []))).toEqual([]);
});

test("stages of one's own belong to the phase before them, or to the one that was given", async () => {
  const chain = ["mine", "pdf_extractor", "yours", "text_embedder"];
  expect(turnsOf(await run([{ phase: 4 }], {}, chain)).indexOf("mark")).toBe(3);
  const options = { phases: { yours: 4 } };
  expect(turnsOf(await run([{ phase: 4 }], options, chain)).indexOf("mark")).toBe(2);
  expect(turnsOf(await run([{ phase: 3 }], {}, []))).toEqual(["mark"]);
  expect(turnsOf(await run([{ target: "udf_end", before: true }], {}, []))).toEqual([]);
});

const HOSTILE = ["nobody", "__proto__", "constructor", "toString", "", "x".repeat(100_000)];
const STRANGE = [null, 7, {}, ["mark"], { toString: () => "mark" }];

test.each([...HOSTILE, ...STRANGE])(
  "a function that is not registered fails its job: %j",
  async (name) => {
    const message = await run([{ name, phase: 1 }]);
    expect(turnsOf(message)).toEqual([]);
    expect(message.failedReason).toMatch(
      /^Error in udf: source text of functions .* is not run here/,
    );
    expect(message.failedReason?.length).toBeLessThan(500);
  },
);

test("with the policy ignore it is left out, and an annotation says so", async () => {
  const message = await run([{ name: "nobody", phase: 1 }, { phase: 1 }], { policy: "ignore" });
  expect(message.failed).toBe(false);
  expect(turnsOf(message)).toContain("mark");
  expect(message.hasTaskOfType("udf")).toBe(false);
  const notes = Object.values(message.getMetadata(/^annotation::/) ?? {});
  expect(notes).toMatchObject([
    { source_id: "udf", message: expect.stringMatching(/^skipped: .*"nobody"/) },
  ]);
});

test.each<readonly [string, TaskShape, RegExp]>([
  [
    "at a stage that is not there",
    { target: "text_splitter", before: true },
    /at stage "text_splitter"/,
  ],
  ["at the guard", { target: "udf", before: true }, /at stage "udf"/],
  ["at an inherited name", { target: "__proto__", after: true }, /at stage "__proto__"/],
  ["on neither side", { target: "pdf_extractor" }, /neither a phase nor a target_stage/],
  ["nowhere", {}, /neither a phase nor a target_stage/],
])(
  "a registered function that shall run %s fails its job, or is left out",
  async (_, task, reason) => {
    const message = await run([task]);
    expect(message.failedReason).toMatch(reason);
    const left = await run([task], { policy: "ignore" });
    expect(left.failed).toBe(false);
    expect(turnsOf(left)).toEqual(CHAIN);
  },
);

test("the text of a task is never run, shown or logged", async () => {
  const logged: unknown[] = [];
  const log = (...args: unknown[]) => void logged.push(args);
  const logger = { debug: log, info: log, warn: log, error: log };
  for (const policy of ["fail", "ignore"] as const) {
    const stages = withUdf([stage("pdf_extractor")], { policy });
    const message = new IngestControlMessage();
    message.addTask(udf({ name: "nobody", phase: 1 }));
    for (const each of stages) {
      try {
        await each.process(message, stageContext({ logger }));
      } catch (cause) {
        message.fail({ stage: each.name, cause });
      }
    }
    const shown = JSON.stringify([message.getMetadata(), logged]);
    for (const piece of ["ranFromTheWire", "secret", "control_message"]) {
      expect(shown).not.toContain(piece);
    }
  }
  expect(globalThis).not.toHaveProperty("ranFromTheWire");
});

const throwing = (cause: unknown) => () => {
  throw cause;
};

test.each<readonly [string, ProcessingFunction, RegExp]>([
  ["throws", throwing(new Error("no wind")), /failed: no wind$/],
  ["throws a text", throwing("calm"), /failed: calm$/],
  ["rejects", () => Promise.reject(new Error("later")), /failed: later$/],
  ["returns nothing", (() => {}) as never, /failed: it returned nothing$/],
  ["returns a text", (() => "done") as never, /failed: it returned something else/],
])("a function that %s fails the job and is named with its place", async (_, mark, reason) => {
  const options = { registry: { mark } };
  const message = await run([{ target: "docx_extractor", before: true }, { phase: 5 }], options);
  expect(message.failedReason).toMatch(
    /^Error in docx_extractor: function "mark", run before docx_extractor, /,
  );
  expect(message.failedReason).toMatch(reason);
  // Neither the stage nor what comes later.
  expect(turnsOf(message)).toEqual(["metadata_injector", "pdf_extractor"]);
});

test("a function may fail the message itself, and nothing runs after that", async () => {
  const registry = {
    mark: (message: IngestControlMessage) => {
      message.fail({ stage: "mark", cause: "not for us" });
      return message;
    },
  };
  const where = { target: "pdf_extractor", before: true, after: true };
  const message = await run([where, { ...where, name: "other" }], { registry });
  expect(message.failedReason).toBe("Error in mark: not for us");
  expect(turnsOf(message)).toEqual(["metadata_injector"]);
});

test("functions and hooks are not called for a message that its stage failed", async () => {
  const failing = stage("pdf_extractor", {
    process: (message) => {
      message.fail({ stage: "pdf_extractor", cause: "broken" });
      return message;
    },
  });
  const hooks = { pdf_extractor: { after: turn("hook") } };
  const stages = withUdf([failing], { registry: { mark: turn("mark") }, hooks });
  const message = await work(stages, [
    udf({ target: "pdf_extractor", after: true }),
    udf({ phase: 5 }),
  ]);
  expect(turnsOf(message)).toEqual([]);
  expect(message.failedReason).toBe("Error in pdf_extractor: broken");
});

test("a function may return another message; it goes on in the place of the first", async () => {
  const registry = {
    mark: (message: IngestControlMessage) => take(message.copy(), "copied"),
  };
  const message = await run([{ phase: 1 }], { registry });
  expect(turnsOf(message)).toEqual(["metadata_injector", "copied", ...CHAIN.slice(1)]);
  expect(message.hasTaskOfType("udf")).toBe(false);
});

test("hooks run around their stage in every job, outside of what tasks ask for", async () => {
  const hooks = { pdf_extractor: { before: turn("in"), after: turn("out") } };
  const around = { target: "pdf_extractor", before: true, after: true };
  const message = await run([around], { hooks });
  const expected = ["metadata_injector", "in", "mark", "pdf_extractor", "mark", "out"];
  expect(turnsOf(message).slice(0, 6)).toEqual(expected);
  const failing = { pdf_extractor: { before: throwing(new Error("no")) as ProcessingFunction } };
  const failed = await run([], { hooks: failing });
  expect(failed.failedReason).toMatch(/run before pdf_extractor, failed: no$/);
});

test.each<readonly [string, UdfOptions, RegExp]>([
  [
    "a hook at an unknown stage",
    { hooks: { pdf_extracter: {} } },
    /did you mean "pdf_extractor"\?/,
  ],
  ["a phase of an unknown stage", { phases: { nothing: 1 } }, /there is no stage "nothing"/],
  ["a phase that there is not", { phases: { pdf_extractor: 8 } }, /phases\.pdf_extractor/],
  [
    "what is no function",
    { registry: { mark: "code" as never } },
    /registry\.mark.*must be a function/,
  ],
  ["an unknown policy", { policy: "run" as never }, /policy/],
])("%s is refused when the stages are made", (_, options, reason) => {
  const stages = CHAIN.map((name) => stage(name));
  expect(() => withUdf(stages, options)).toThrow(
    expect.objectContaining({ code: "OPTIONS_INVALID" }),
  );
  expect(() => withUdf(stages, options)).toThrow(reason);
});

test("stages that nothing can run around stay the very same", async () => {
  const stages = CHAIN.map((name) => stage(name));
  expect(withUdf(stages).slice(1)).toEqual(stages);
  const [, first, second] = withUdf(stages, { hooks: { metadata_injector: { after: turn("x") } } });
  expect(first).not.toBe(stages[0]);
  expect(second).toBe(stages[1]);
});

test("a wrapped stage keeps its name, version and life, and its own way of returning", async () => {
  const calls: string[] = [];
  const own = stage("pdf_extractor", {
    version: "7",
    start: async () => void calls.push("start"),
    stop: async () => void calls.push("stop"),
    process: (() => undefined) as never,
  });
  const registry = { mark: turn("mark") };
  const [guard, wrapped, end] = withUdf([own], { registry }) as [Stage, Stage, Stage];
  expect(wrapped).toMatchObject({ name: "pdf_extractor", version: "7" });
  await wrapped.start?.();
  await wrapped.stop?.();
  expect(calls).toEqual(["start", "stop"]);
  // The pipeline tells that a stage returned nothing; also with functions around it.
  const message = new IngestControlMessage();
  expect(await wrapped.process(message, stageContext())).toBeUndefined();
  message.addTask(udf({ target: "pdf_extractor", after: true }));
  expect(await wrapped.process(message, stageContext())).toBeUndefined();
  expect([guard.name, end.name]).toEqual(["udf", "udf_end"]);
});

test("the guard's version tells of everything that later results depend on", () => {
  const versions = [
    {},
    { policy: "ignore" },
    { registry: { a: turn("a") } },
    { registry: { a: turn("a"), b: turn("b") } },
    { registry: { a: turn("a") }, version: "2" },
    { hooks: { pdf_extractor: { before: turn("a") } } },
    { hooks: { pdf_extractor: { after: turn("a") } } },
    { phases: { pdf_extractor: 2 } },
  ].map((options) => withUdf([stage("pdf_extractor")], options as UdfOptions)[0]?.version);
  expect(new Set(versions).size).toBe(versions.length);
  expect(versions).not.toContain(undefined);
});

test("in a batch each message has its functions, and one that fails fails alone", async () => {
  const batches: number[] = [];
  const batching = stage("pdf_extractor", {
    accepts: (message) => !message.hasMetadata("idle"),
    processBatch: (messages): BatchOutcome => {
      batches.push(messages.length);
      return messages.map((each, index) => (index === 0 ? new Error("bad") : take(each, "batch")));
    },
  });
  const registry = { mark: turn("mark"), bad: throwing(new Error("no")) as ProcessingFunction };
  const hooks = { pdf_extractor: { after: turn("hook") } };
  const [, wrapped] = withUdf([batching], { registry, hooks }) as [Stage, Stage];
  const messages = ["mark", "bad", "mark", "mark"].map((name) => {
    const message = new IngestControlMessage();
    message.addTask(udf({ name, target: "pdf_extractor", before: true }));
    return message;
  });
  messages[3]?.setMetadata("idle", true);
  const outcomes = await wrapped.processBatch?.(messages, stageContext());
  expect(batches).toEqual([2]);
  const told = outcomes?.map((each) => (each instanceof Error ? each.message : turnsOf(each)));
  expect(told).toEqual([
    "bad",
    expect.stringMatching(/function "bad", run before pdf_extractor, failed: no/),
    ["mark", "batch", "hook"],
    ["mark", "hook"],
  ]);
});

test("a function sees the stage's context, and an abort is no failure of its own", async () => {
  const controller = new AbortController();
  const reason = new Error("cancelled");
  const registry: Record<string, ProcessingFunction> = {
    mark: (_, { signal, logger }) => {
      expect(logger).toBe(silentLogger);
      controller.abort(reason);
      throw signal.reason;
    },
  };
  const [, wrapped] = withUdf([stage("pdf_extractor")], { registry }) as [Stage, Stage];
  const message = new IngestControlMessage();
  message.addTask(udf({ phase: 1 }));
  const context = stageContext({ signal: controller.signal });
  await expect(wrapped.process(message, context)).rejects.toBe(reason);
});
