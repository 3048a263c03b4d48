/**
 * Goal: a stage in a thread does what it would do on the main thread, and whatever happens to it there
 * costs its own message only. Method: real threads with the modules of `test/fixtures/stages`, called as
 * the engine calls stages. Shared flags tell when a loop has begun; nothing sleeps.
 */
import { afterEach, expect, test } from "vitest";
import { isTransient, type Logger, retryAfterMs } from "../core/index.js";
import { IngestControlMessage } from "../message/index.js";
import { stageContext, until } from "../testing/index.js";
import { WorkerPool } from "../workers/index.js";
import {
  loadStage,
  parseStageAddress,
  type Stage,
  type ThreadStageSetup,
  threadStage,
} from "./index.js";

const base = new URL("../../test/fixtures/stages/", import.meta.url);

const pools: WorkerPool[] = [];
function openPool(options: ConstructorParameters<typeof WorkerPool>[0] = {}): WorkerPool {
  const pool = new WorkerPool({ maxThreads: 2, ...options });
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function stageOf(use: string, given: Partial<ThreadStageSetup> = {}): Stage {
  const pool = given.pool ?? openPool();
  return threadStage({ ...parseStageAddress(use, base), name: "mine", ...given, pool });
}

function messageWith(metadata: Record<string, unknown>): IngestControlMessage {
  const message = new IngestControlMessage();
  for (const [key, value] of Object.entries(metadata)) message.setMetadata(key, value);
  return message;
}

async function run(stage: Stage, metadata: Record<string, unknown> = {}, given = {}) {
  return stage.process(messageWith(metadata), stageContext(given));
}

async function errorOf(running: unknown): Promise<Error & { code?: string }> {
  return Promise.resolve(running).then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error as Error,
  );
}

const sharedFlag = () => new Int32Array(new SharedArrayBuffer(4));

/** When the stage has begun with the message that carries the flag. */
async function begun(flag: Int32Array): Promise<void> {
  await (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync(flag, 0, 0).value;
}
type WaitAsync = (flag: Int32Array, index: number, value: number) => { value: Promise<string> };

test("a stage gets its context, works in a thread and gives another message back", async () => {
  const stage = stageOf("./working.mjs#look", { config: { depth: 3 } });
  const message = messageWith({ job_id: "j" });
  message.payload = [{ documentType: "text", content: "hello" }];
  message.addTask({ type: "extract", id: "t", properties: { a: undefined } });
  message.setTimestamp("trace::entry::x", 1_700_000_000_123_456_789n);
  const result = await stage.process(message, stageContext({ attempt: 4 }));
  expect(result).not.toBe(message);
  expect(message.listMetadata()).toEqual(["job_id"]);
  expect(result.getMetadata()).toEqual({
    job_id: "j",
    seen: { attempt: 4, config: { depth: 3 }, aborted: false, state: "closed" },
    thread: expect.any(Number),
  });
  expect(result.getMetadata("thread")).toBeGreaterThan(0);
  expect(result.payload).toEqual(message.payload);
  expect(result.getTasks()).toEqual(message.getTasks());
  expect(result.getTimestamps()).toEqual(message.getTimestamps());
});

test("start tells a wrong address or a wrong option before the first message, and what is right", async () => {
  const pool = openPool();
  const codeOf = async (use: string, config?: unknown) =>
    (await errorOf(stageOf(use, { pool, config }).start?.())).code;
  expect(await codeOf("./working.mjs#lok")).toBe("PIPELINE_STAGE_EXPORT_MISSING");
  expect(await codeOf("./nowhere.mjs")).toBe("PIPELINE_STAGE_MODULE_NOT_FOUND");
  expect(await codeOf("./throws-at-load.mjs")).toBe("PIPELINE_STAGE_MODULE_FAILED");
  expect(await codeOf("./plugin.mjs#redact", { word: 1 })).toBe("OPTIONS_INVALID");
  const stage = stageOf("./plugin.mjs#redact", { pool, config: { words: [] } });
  expect(stage.version).toBeUndefined();
  await stage.start?.();
  expect(stage.version).toBe("2");
  const named = stageOf("./plugin.mjs#redact", { pool, config: { words: [] }, version: "mine" });
  await named.start?.();
  expect(named.version).toBe("mine");
});

test("options that cannot be sent to a thread are refused when the stage is made", () => {
  expect(() => stageOf("./working.mjs#look", { config: { call: () => {} } })).toThrow(
    expect.objectContaining({ code: "OPTIONS_INVALID" }),
  );
});

test("a stage is made and started once in each thread, and skips what it does not accept", async () => {
  const stage = stageOf("./working.mjs#counting", { pool: openPool({ maxThreads: 1 }) });
  await stage.start?.();
  for (const count of [1, 2, 3]) {
    expect((await run(stage)).getMetadata("counted")).toEqual({ started: 1, count });
  }
  const message = messageWith({ "no work": true });
  expect(await stage.process(message, stageContext())).toBe(message);
  expect(message.listMetadata()).toEqual(["no work"]);
});

test("two stages of one module in one thread are two", async () => {
  const pool = openPool({ maxThreads: 1 });
  const stages = [1, 2].map((config) =>
    stageOf("./working.mjs#look", { pool, name: `stage ${config}`, config: { config } }),
  );
  const results = await Promise.all(stages.flatMap((stage) => [run(stage), run(stage)]));
  const configs = results.map((result) => result.getMetadata("seen") as { config: object });
  expect(configs.map(({ config }) => config)).toEqual([1, 1, 2, 2].map((config) => ({ config })));
});

test("bytes come back equal, and a second attempt sees what the first was given", async () => {
  const document = Buffer.alloc(1_000_000, 9);
  const stage = stageOf("./working.mjs#scribble");
  const message = messageWith({ document });
  const first = await errorOf(stage.process(message, stageContext({ attempt: 1 })));
  expect([first.message, isTransient(first)]).toEqual(["later", true]);
  const result = await stage.process(message, stageContext({ attempt: 2 }));
  expect(result.getMetadata("first")).toBe(9);
  expect(document.every((byte) => byte === 9)).toBe(true);
  const worked = result.getMetadata("document") as Buffer;
  expect(Buffer.isBuffer(worked) && worked.equals(Buffer.alloc(1_000_000, 2))).toBe(true);
});

test("bytes that a stage keeps for itself are still its own after it gave them away", async () => {
  const stage = stageOf("./working.mjs#addKept", { pool: openPool({ maxThreads: 1 }) });
  for (let turn = 0; turn < 3; turn++) {
    const result = await run(stage);
    expect(result.getMetadata("sum")).toBe(100_000);
    expect(result.getMetadata("kept")).toHaveLength(100_000);
  }
});

test("an error is the same as on the main thread: text, code, and whether to try again", async () => {
  const pool = openPool();
  const failures = [
    "throwPlain",
    "throwText",
    "rejectTyped",
    "unavailable",
    "returnNothing",
    "returnNumber",
  ];
  for (const name of failures) {
    const use = `./failing.mjs#${name}`;
    const inThread = await errorOf(run(stageOf(use, { pool })));
    const { stage } = await loadStage({ ...parseStageAddress(use, base), name: "mine" });
    const onMain: unknown = await Promise.resolve(run(stage)).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (name.startsWith("return")) {
      const what = name === "returnNothing" ? "NOTHING" : "FOREIGN";
      expect(inThread.code).toBe(`PIPELINE_STAGE_RETURNED_${what}`);
      continue;
    }
    const text = onMain instanceof Error ? onMain.message : onMain;
    const error = onMain instanceof Error ? onMain : new Error(String(onMain));
    expect([name, inThread.message, isTransient(inThread), retryAfterMs(inThread)]).toEqual([
      name,
      text,
      isTransient(error),
      retryAfterMs(error),
    ]);
  }
  const typed = await errorOf(run(stageOf("./failing.mjs#rejectTyped", { pool })));
  expect(typed).toMatchObject({ code: "TEST_BUSY", kind: "limit", retry: true });
  expect(typed.stack).toContain("failing.mjs");
});

test("a message that cannot cross, there or back, fails with the place that is wrong", async () => {
  const pool = openPool();
  const look = stageOf("./working.mjs#look", { pool });
  expect(await errorOf(run(look, { call: () => {} }))).toMatchObject({
    code: "MESSAGE_NOT_PLAIN",
    message: expect.stringContaining("metadata.call is a function"),
  });
  const cases = [
    ["returnFunction", "metadata.callback is a function"],
    ["returnDeep", "levels deep"],
    ["returnNoRow", 'Row 0 of the payload must be an object with a text "documentType"'],
  ];
  for (const [name, text] of cases) {
    const error = await errorOf(run(stageOf(`./failing.mjs#${name}`, { pool })));
    expect(error.message).toContain(text);
  }
  expect((await run(look)).failed).toBe(false);
});

test("a stage that ends its thread is told so, and another attempt has a new one", async () => {
  const pool = openPool({ maxThreads: 1, maxHeapMb: 48 });
  const cases = [
    [
      "exit",
      "WORKERS_THREAD_EXITED",
      'The thread that ran task "mine" ended: it exited with code 3',
    ],
    ["throwOutside", "WORKERS_THREAD_EXITED", "nothing caught: outside of the stage"],
    ["throwAfterwards", "WORKERS_THREAD_EXITED", "nothing caught: left behind"],
    ["eatMemory", "WORKERS_OUT_OF_MEMORY", '48 MB that "maxHeapMb" allows'],
  ];
  for (const [name, code, text] of cases) {
    const failing = errorOf(run(stageOf(`./failing.mjs#${name}`, { pool })));
    const next = run(stageOf("./working.mjs#look", { pool }));
    expect(await failing).toMatchObject({
      code,
      retry: true,
      message: expect.stringContaining(text as string),
    });
    expect((await next).getMetadata("seen")).toBeDefined();
  }
});

test("the signal ends a stage that never does, whatever it is at", async () => {
  const pool = openPool({ maxThreads: 1 });
  for (const name of ["loop", "backtrack", "never"]) {
    const controller = new AbortController();
    const flag = sharedFlag();
    const { signal } = controller;
    const hanging = errorOf(run(stageOf(`./failing.mjs#${name}`, { pool }), { flag }, { signal }));
    await begun(flag);
    const reason = new Error("time is over");
    controller.abort(reason);
    expect(await hanging).toBe(reason);
    expect((await run(stageOf("./working.mjs#look", { pool }))).failed).toBe(false);
  }
});

test("the time of a message begins with its work, not while others hold the threads", async () => {
  const pool = openPool({ maxThreads: 1 });
  const flag = sharedFlag();
  const controller = new AbortController();
  const { signal } = controller;
  const holding = errorOf(run(stageOf("./failing.mjs#loop", { pool }), { flag }, { signal }));
  await begun(flag);
  const timed = { timeoutMs: 500 };
  const waiting = run(stageOf("./working.mjs#look", { pool }), {}, timed);
  // Another that hangs on its own time stands in for a clock: the one that waits had its time twice.
  const elsewhere = stageOf("./failing.mjs#loop");
  for (let turn = 0; turn < 2; turn++) {
    const hanging = errorOf(run(elsewhere, {}, timed));
    expect(await hanging).toMatchObject({ code: "PIPELINE_STAGE_TIMED_OUT" });
  }
  controller.abort(new Error("enough"));
  await holding;
  expect((await waiting).getMetadata("seen")).toBeDefined();
});

test("what a stage logs comes out with its details, and not without end", async () => {
  const lines: [string, object, string][] = [];
  const note = (level: string) => (details: object, text: string) =>
    void lines.push([level, details, text]);
  const logger: Logger = {
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
    error: () => {
      throw new Error("the logger itself");
    },
  };
  await run(stageOf("./working.mjs#log"), {}, { logger });
  await until("the last line is there", () => lines.length === 101);
  expect(lines[0]).toEqual(["info", { page: 3, error: "inner" }, "looked at a page"]);
  expect(lines[1]).toEqual(["debug", { line: 0 }, "more"]);
  expect(lines.at(-1)).toEqual(["warn", {}, expect.stringContaining("logged 100 lines")]);
});

test("a batch crosses in one go, and a bad message in it fails alone", async () => {
  const stage = stageOf("./working.mjs#batching");
  const messages = [
    messageWith({ id: 0 }),
    messageWith({ id: 1, bad: true }),
    messageWith({ id: 2, call: () => {} }),
    messageWith({ id: 3 }),
  ];
  const results = (await stage.processBatch?.(messages, stageContext())) ?? [];
  const seen = results.map((each) => (each instanceof Error ? each.message : each.getMetadata()));
  expect(seen).toEqual([
    { id: 0, batch: 3 },
    "a bad one",
    "The message cannot cross to a thread: metadata.call is a function",
    { id: 3, batch: 3 },
  ]);
});

test("a batch that throws, or gives too few, is told as on the main thread", async () => {
  const messages = [messageWith({}), messageWith({})];
  const throwing = stageOf("./working.mjs#batching", { config: { throws: true } });
  const thrown = errorOf(throwing.processBatch?.(messages, stageContext()));
  expect((await thrown).message).toBe("the whole batch");
  const tooFew = stageOf("./working.mjs#batching", { config: { tooFew: true } });
  expect(await tooFew.processBatch?.(messages, stageContext())).toHaveLength(1);
  const unsendable = [messageWith({ call: () => {} }), messageWith({ call: () => {} })];
  expect(await errorOf(tooFew.processBatch?.(unsendable, stageContext()))).toMatchObject({
    code: "MESSAGE_NOT_PLAIN",
  });
});

test("a stage without processBatch takes the messages of a batch in turn", async () => {
  const pool = openPool({ maxThreads: 1 });
  const obey = (what: string) => messageWith({ obey: what, number: 1 });
  const messages = [obey("hash"), obey("throwPlain"), obey("returnNothing"), obey("hash")];
  const stage = stageOf("./failing.mjs#obey", { pool });
  const results = (await stage.processBatch?.(messages, stageContext())) ?? [];
  expect(results.map((each) => (each instanceof Error ? "failed" : "worked"))).toEqual([
    "worked",
    "failed",
    "failed",
    "worked",
  ]);
  const counting = stageOf("./working.mjs#counting", { pool });
  const some = [messageWith({ "no work": 1 }), messageWith({}), messageWith({ "no work": 2 })];
  const counted = (await counting.processBatch?.(some, stageContext())) ?? [];
  expect(counted.map((each, index) => each === some[index])).toEqual([true, false, true]);
});

test("neighbours are untouched by failures of all kinds, and the pool is whole afterwards", async () => {
  const pool = openPool({ maxThreads: 2 });
  const kinds = ["throwPlain", "rejectTyped", "returnNothing", "exit", "throwAfterwards", "loop"];
  const bad = Array.from({ length: 54 }, (_, index) => kinds[index % kinds.length] as string);
  const stages = ["first", "second"].map((name) => stageOf("./failing.mjs#obey", { pool, name }));
  const outcomes = bad.flatMap((obey, index) => {
    const [stage, other] = index % 2 === 0 ? stages : [...stages].reverse();
    const failing = errorOf(run(stage as Stage, { obey }, { timeoutMs: 1_000 }));
    const good = run(other as Stage, { obey: "hash", number: index });
    return [
      failing.then(({ code }) => code),
      good.then((result) => String(result.getMetadata("digest")).length),
    ];
  });
  const codes = {
    throwPlain: undefined,
    rejectTyped: "TEST_BUSY",
    returnNothing: "PIPELINE_STAGE_RETURNED_NOTHING",
    exit: "WORKERS_THREAD_EXITED",
    throwAfterwards: "WORKERS_THREAD_EXITED",
    loop: "PIPELINE_STAGE_TIMED_OUT",
  } as const;
  expect(await Promise.all(outcomes)).toEqual(
    bad.flatMap((obey) => [codes[obey as keyof typeof codes], 64]),
  );
  const results = Array.from({ length: 20 }, (_, number) =>
    run(stages[number % 2] as Stage, { obey: "hash", number }),
  );
  expect(await Promise.all(results)).toHaveLength(20);
  expect(pool.getStats()).toMatchObject({ running: 0, waiting: 0 });
  expect(pool.getStats().threads).toBeLessThanOrEqual(2);
});
