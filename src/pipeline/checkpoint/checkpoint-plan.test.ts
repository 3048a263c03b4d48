/**
 * Goal: the same content behind the same stages is found again in any job, anything else is not, and
 * a message that resumes is its own job's with all that the stages left.
 * Method: a plan over a store in memory, messages made as a source makes them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Logger, silentLogger } from "../../core/index.js";
import { IngestControlMessage, openJob, type Row, type RowMetadata } from "../../message/index.js";
import type { CheckpointedStage, CheckpointStore } from "../checkpoints.js";
import { CheckpointPlan } from "./checkpoint-plan.js";
import { ValueWriter } from "./value-writer.js";

class MemoryStore implements CheckpointStore {
  readonly kept = new Map<string, Uint8Array>();
  readonly asked: string[] = [];

  async load(key: string): Promise<Uint8Array | undefined> {
    this.asked.push(key);
    return this.kept.get(key);
  }

  async save(key: string, bytes: Uint8Array): Promise<void> {
    this.kept.set(key, bytes);
  }
}

interface StageShape {
  readonly name?: string;
  readonly version?: string;
  readonly config?: unknown;
  readonly checkpoint?: boolean;
}

function stage({ name = "costly", config = {}, checkpoint = true, ...rest }: StageShape = {}) {
  const process = (message: IngestControlMessage) => message;
  return { stage: { name, process, ...rest }, config, checkpoint } satisfies CheckpointedStage;
}

function planOf(
  shapes: readonly StageShape[],
  store: CheckpointStore = new MemoryStore(),
  logger: Logger = silentLogger,
): CheckpointPlan {
  const plan = new CheckpointPlan(shapes.map(stage), store, logger);
  plan.start();
  return plan;
}

interface JobShape {
  readonly id?: string;
  readonly content?: string;
  readonly name?: string;
  readonly type?: string;
  readonly tasks?: readonly object[];
  readonly tracing?: object;
}

const SPLIT = { type: "split", task_properties: { chunk_size: 100, params: { a: 1, b: [2] } } };

function job({
  id = "1",
  content = "text",
  name = "a.txt",
  type = "text",
  ...rest
}: JobShape = {}) {
  const { tasks = [SPLIT], tracing = { trace: true } } = rest;
  const text = JSON.stringify({
    job_payload: {
      content: [content],
      source_name: [name],
      source_id: [name],
      document_type: [type],
    },
    job_id: id,
    tasks,
    tracing_options: tracing,
  });
  return openJob(text, { sourceName: "source", fetchedAt: 1n });
}

/** The key under which the first stage's work on the message is looked for. */
async function keyOf(message: IngestControlMessage, shapes: readonly StageShape[] = [{}]) {
  const store = new MemoryStore();
  await planOf(shapes, store).begin(message);
  return store.asked.at(-1);
}

test("the job's id, its times, trace and the ids of its tasks are no part of a key", async () => {
  const key = await keyOf(job());
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  const others: JobShape[] = [
    { id: "2" },
    { tracing: { trace: false } },
    { tracing: { trace: true, ts_send: 5, trace_id: "77" } },
  ];
  for (const other of others) expect(await keyOf(job(other))).toBe(key);
  const annotated = job();
  annotated.annotate({ sourceId: "source", message: "something about this job" });
  annotated.setTimestamp("trace::entry::x", 5n);
  expect(await keyOf(annotated)).toBe(key);
});

test("whatever belongs to the content is a part of it", async () => {
  const changed: JobShape[] = [
    { content: "Text" },
    { name: "b.txt" },
    { type: "html" },
    { tasks: [] },
    { tasks: [SPLIT, SPLIT] },
    { tasks: [{ type: "split", task_properties: { chunk_size: 101 } }] },
    { tasks: [{ type: "embed", task_properties: {} }] },
  ];
  const keys = await Promise.all([{}, ...changed].map((shape) => keyOf(job(shape))));
  const withMetadata = job();
  (withMetadata.payload[0] as Row).metadata = { content: "x" } as RowMetadata;
  const withConfig = job();
  withConfig.config({ depth: 1 });
  const ofTenant = job();
  ofTenant.setMetadata("tenant", "mill");
  const moreRows = job();
  moreRows.payload.push({ documentType: "text", content: "" });
  for (const message of [withMetadata, withConfig, ofTenant, moreRows]) {
    keys.push(await keyOf(message));
  }
  expect(new Set(keys).size).toBe(keys.length);
});

test("so are the stages before it and itself: name, version, options, order", async () => {
  const pairs: StageShape[][] = [
    [{ name: "a" }, { name: "b" }],
    [{ name: "b" }, { name: "a" }],
    [{ name: "a" }],
    [{ name: "b" }],
    [{ name: "ab" }],
    [{ name: "a", version: "1" }, { name: "b" }],
    [{ name: "a", version: "2" }, { name: "b" }],
    [{ name: "a" }, { name: "b", version: "1" }],
    [{ name: "a", config: { x: 1 } }, { name: "b" }],
    [{ name: "a" }, { name: "b", config: { x: 1 } }],
    [{ name: "a" }, { name: "b", config: { x: "1" } }],
  ];
  const keys = await Promise.all(
    pairs.map(async (shapes) => {
      const store = new MemoryStore();
      await planOf(shapes, store).begin(job());
      // The last stage is asked for first.
      return store.asked[0];
    }),
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test("the order of members counts neither in tasks nor in rows nor in options", async () => {
  const params = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 2 });
  await fc.assert(
    fc.asyncProperty(params, async (given) => {
      const message = (properties: object) => {
        const made = new IngestControlMessage();
        made.payload = [{ documentType: "text", metadata: properties as Row["metadata"] }] as Row[];
        made.addTask({ type: "split", properties: { params: properties } });
        return made;
      };
      const turned = Object.fromEntries(Object.entries(given).reverse());
      const key = await keyOf(message(given), [{ config: given }]);
      expect(await keyOf(message(turned), [{ config: turned }])).toBe(key);
      const more = { ...given, [`${Object.keys(given)}+`]: 1 };
      expect(await keyOf(message(more), [{ config: given }])).not.toBe(key);
      expect(await keyOf(message(given), [{ config: more }])).not.toBe(key);
    }),
  );
});

/** What a costly stage does to a message. */
function work(message: IngestControlMessage): void {
  message.takeTask("split");
  message.payload = [
    { documentType: "text", content: "made", uuid: "u1" },
    {
      documentType: "image",
      metadata: { bytes: new Uint8Array([1, 2, 3]), at: new Date(5), none: undefined, big: 9n },
    } as unknown as Row,
  ];
  message.setMetadata("left", { by: "costly" });
  message.config({ learned: true });
  message.addTask({ type: "store", properties: { more: 1 } });
  message.annotate({ sourceId: "costly", taskId: "costly", taskResult: "SUCCESS" });
}

const CHAIN: StageShape[] = [
  { name: "first", checkpoint: false },
  { name: "costly" },
  { name: "z" },
];

async function keptRun(store: CheckpointStore = new MemoryStore()) {
  const plan = planOf(CHAIN, store);
  const tasks = [SPLIT, { type: "embed", task_properties: {} }];
  const message = job({ id: "one", tasks });
  const run = await plan.begin(message);
  expect(run.next).toBe(0);
  work(message);
  await run.after(1, message);
  return { plan, tasks, worked: message };
}

test("the same content in another job goes on behind the stage, with all that was left", async () => {
  const store = new MemoryStore();
  const { plan, tasks, worked } = await keptRun(store);
  const again = job({ id: "two", tasks, tracing: { trace: false } });
  const embedId = again.getTasks()[1]?.id;
  const times = again.getTimestamps();
  const run = await plan.begin(again);
  expect(run.next).toBe(2);
  expect(again.payload).toStrictEqual(worked.payload);
  expect(again.getMetadata("left")).toEqual({ by: "costly" });
  expect(again.config()).toEqual({ learned: true });
  expect(again.getTasks().map(({ type }) => type)).toEqual(["embed", "store"]);
  expect(again.getTasks()[0]?.id).toBe(embedId);
  expect(plan.getStats()).toEqual({ resumed: 1, begun: 1, unkeepable: 0 });
  // Its own it stays.
  expect(again.jobId).toBe("two");
  expect(again.getMetadata("response_channel")).toBe("two");
  expect(again.tracing).toBe(false);
  expect(again.getTimestamps()).toMatchObject(times);
});

test("the annotations tell what was done, and that the job resumed", async () => {
  const store = new MemoryStore();
  const { plan, tasks } = await keptRun(store);
  const again = job({ id: "two", tasks });
  const run = await plan.begin(again);
  const annotationsOf = (message: IngestControlMessage) =>
    Object.values(message.getMetadata(/^annotation::/) ?? {});
  expect(annotationsOf(again)).toMatchObject([
    { source_id: "source", message: "Created" },
    { source_id: "costly", task_result: "SUCCESS" },
    { source_id: "checkpoint", task_id: "costly", resumed_behind: "costly" },
  ]);
  // A later checkpoint keeps what the stages left, not that this job resumed.
  await run.after(2, again);
  const third = job({ id: "three", tasks });
  expect((await plan.begin(third)).next).toBe(3);
  const resumed = annotationsOf(third).filter((note) => "resumed_behind" in (note as object));
  expect(resumed).toMatchObject([{ resumed_behind: "z" }]);
});

test("nothing that names a job is kept", async () => {
  const store = new MemoryStore();
  const tracing = { trace: true, trace_id: "trace-of-the-job" };
  const message = job({ id: "id-of-the-job", tracing });
  const run = await planOf([{}], store).begin(message);
  work(message);
  await run.after(0, message);
  const [bytes] = store.kept.values();
  const text = Buffer.from(bytes as Uint8Array).toString("latin1");
  expect(text).toContain("made");
  for (const own of ["id-of-the-job", "trace-of-the-job", "Created", "response_channel"]) {
    expect(text).not.toContain(own);
  }
});

test("the last stage whose work is kept wins, and one that is damaged makes way", async () => {
  const store = new MemoryStore();
  const plan = planOf([{ name: "a" }, { name: "b" }, { name: "c" }], store);
  const message = job();
  const run = await plan.begin(message);
  for (const [index, content] of ["A", "B"].entries()) {
    message.payload = [{ documentType: "text", content }];
    await run.after(index, message);
  }
  const resumed = job();
  expect((await plan.begin(resumed)).next).toBe(2);
  expect(resumed.payload[0]?.content).toBe("B");
  const [, keyOfB] = store.kept.keys();
  for (const bytes of ["", "nothing of ours", Buffer.from([12, 0, 0, 0, 0])]) {
    store.kept.set(keyOfB as string, Buffer.from(bytes));
    const further = job();
    expect((await plan.begin(further)).next).toBe(1);
    expect(further.payload[0]?.content).toBe("A");
  }
});

test("of a message that failed, or went on after an error, nothing is kept", async () => {
  const misdeeds: ((message: IngestControlMessage) => void)[] = [
    (message) => message.fail({ stage: "costly", cause: new Error("no") }),
    (message) => message.annotate({ sourceId: "before", error: "no", message: "went on without" }),
    (message) => message.annotate({ sourceId: "before", taskResult: "FAILURE", message: "no" }),
  ];
  for (const misdeed of misdeeds) {
    const store = new MemoryStore();
    const message = job();
    const run = await planOf([{}], store).begin(message);
    misdeed(message);
    await run.after(0, message);
    expect(store.kept.size).toBe(0);
  }
  const failed = job();
  failed.fail({ stage: "source", cause: "bad" });
  expect(await keyOf(failed)).toBeUndefined();
});

test("only stages whose work is to be kept ask the store", async () => {
  const store = new MemoryStore();
  const plan = planOf([{ name: "a", checkpoint: false }, { name: "b" }], store);
  const run = await plan.begin(job());
  expect(store.asked).toHaveLength(1);
  await run.after(0, job());
  expect(store.kept.size).toBe(0);
});

test("content that is no plain data goes without, and is counted", async () => {
  const store = new MemoryStore();
  const plan = planOf([{}], store);
  const strange = [() => {}, new Map(), Symbol("s")];
  for (const value of strange) {
    const message = job();
    (message.payload[0] as { extra?: unknown } & Row).extra = value;
    const run = await plan.begin(message);
    await run.after(0, message);
  }
  const throwing = job();
  Object.defineProperty(throwing.payload[0], "metadata", {
    enumerable: true,
    get: () => {
      throw new Error("never read me");
    },
  });
  await plan.begin(throwing);
  const message = job();
  const run = await plan.begin(message);
  message.setMetadata("left", () => {});
  await run.after(0, message);
  expect(store.kept.size).toBe(0);
  expect(plan.getStats()).toEqual({ resumed: 0, begun: 1, unkeepable: strange.length + 2 });
});

test("a stage with options that are no plain data is told once, and ends the keeping", async () => {
  const store = new MemoryStore();
  const warned: object[] = [];
  const logger = { ...silentLogger, warn: (details: object) => void warned.push(details) };
  const shapes = [{ name: "a" }, { name: "b", config: { call: () => {} } }, { name: "c" }];
  const plan = planOf(shapes, store, logger);
  const run = await plan.begin(job());
  for (const index of [0, 1, 2]) await run.after(index, job());
  expect(store.kept.size).toBe(1);
  expect(warned).toEqual([{ stage: "b" }]);
});

test("a store that breaks its word harms no message", async () => {
  const broken: CheckpointStore = {
    load: () => Promise.reject(new Error("no disk")),
    save: () => Promise.reject(new Error("no disk")),
  };
  const message = job();
  const run = await planOf([{}], broken).begin(message);
  expect(run.next).toBe(0);
  await run.after(0, message);
  expect(message.payload[0]?.content).toBe("text");
});

/** What a file could hold that somebody else wrote. */
function forged(value: unknown): Uint8Array {
  const pieces: Buffer[] = [];
  const writer = new ValueWriter(
    {
      takeBytes: (bytes) => void pieces.push(Buffer.from(bytes)),
      takeText: (text) => void pieces.push(Buffer.from(text)),
    },
    { sortMembers: false },
  );
  writer.write(value);
  writer.end();
  return Buffer.concat(pieces);
}

const HONEST = { payload: [], tasks: [], config: {}, metadata: [] };

test.each([
  ["another job's id", { ...HONEST, metadata: [["job_id", "theirs"]] }],
  ["another job's channel", { ...HONEST, metadata: [["response_channel", "theirs"]] }],
  ["rows that are none", { ...HONEST, payload: [null] }],
  ["a row without a type", { ...HONEST, payload: [{ content: "x" }] }],
  ["a task that the job did not bring", { ...HONEST, tasks: [[7, "split", {}]] }],
  ["a task without properties", { ...HONEST, tasks: [[0, "split", null]] }],
  ["metadata without a key", { ...HONEST, metadata: [{}] }],
  ["no message at all", "text"],
  ["a part of one", { payload: [] }],
])("a file that holds %s is as none", async (_, value) => {
  const store = new MemoryStore();
  const key = await keyOf(job({ id: "mine" }));
  store.kept.set(key as string, forged(value));
  const message = job({ id: "mine" });
  expect((await planOf([{}], store).begin(message)).next).toBe(0);
  expect(message.jobId).toBe("mine");
  expect(message.payload[0]?.content).toBe("text");
  expect(message.getTasks()).toHaveLength(1);
});

test("members named __proto__ in a file change no prototype", async () => {
  const store = new MemoryStore();
  const evil = JSON.parse('{"__proto__": {"polluted": 1}}');
  const payload = [{ documentType: "text", metadata: evil }];
  const metadata = [["__proto__", evil]];
  const kept = { payload, tasks: [[null, "__proto__", evil]], config: evil, metadata };
  store.kept.set((await keyOf(job())) as string, forged(kept));
  const message = job();
  expect((await planOf([{}], store).begin(message)).next).toBe(1);
  const places = [{}, message, message.config(), message.getMetadata(), message.payload[0]];
  for (const place of places) expect((place as { polluted?: 1 }).polluted).toBeUndefined();
});
