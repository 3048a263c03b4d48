/**
 * Goal: a stage in a thread does what it would do in the event loop, and one that throws, exits, hangs
 * or eats all memory costs its own message only. Method: a module of misdeeds, in the threads of a real
 * pool, behind a real chain.
 */
import { expect, type TestContext, test } from "vitest";
import { failureCause, IngestControlMessage } from "../../src/message/index.js";
import { type StageWithOptions, threadStage } from "../../src/pipeline/index.js";
import { stageContext } from "../../src/testing/index.js";
import { WorkerPool, type WorkerPoolOptions } from "../../src/workers/index.js";
import { startBench } from "../helpers/pipeline-bench.js";

const file = new URL("../fixtures/stages/misdeeds.js", import.meta.url);

function poolFor(t: TestContext, options: WorkerPoolOptions = {}): WorkerPool {
  const pool = new WorkerPool({ maxThreads: 2, ...options });
  t.onTestFinished(() => pool.close());
  return pool;
}

function inThread(pool: WorkerPool, exportName: string, config: object = {}) {
  return threadStage({ name: exportName, use: "misdeeds", file, exportName, config, pool });
}

async function runJobs(
  t: TestContext,
  texts: readonly string[],
  { stages, concurrency = 2 }: { stages: StageWithOptions[]; concurrency?: number },
) {
  const bench = await startBench(t, "memory", { stages, concurrency });
  const jobs = [];
  for (const text of texts) jobs.push(await bench.submit(text));
  const stats = await bench.pipeline.run({ maxMessages: texts.length });
  const results = await Promise.all(jobs.map(bench.onlyResult));
  return { stats, results };
}

test("a function of a module works in a thread, with its options and the attempt", async (t) => {
  const stage = inThread(poolFor(t), "act", { mark: "!" });
  const { results } = await runJobs(t, ["good", "later"], { stages: [{ stage }] });
  const contents = results.map(({ data }) => data?.[0]?.metadata.content);
  expect(contents).toEqual(["good done!", "later done!"]);
});

const MISDEEDS = [
  ["throw", /^Error in act: no wind$/],
  ["exit", /ended: it exited with code 3/],
  ["hang", /^Error in act: stage act did not end within 300 ms/],
  ["memory", /needed more heap than the 32 MB/],
  ["nothing", /dropped by stage act: it returned nothing/],
  ["foreign", /stage act returned a value of type object/],
] as const;

test.for(MISDEEDS)("one that does %s costs its own message only", async ([deed, cause], t) => {
  const pool = poolFor(t, { maxHeapMb: 32 });
  const stage = inThread(pool, "act");
  const texts = ["good 1", "good 2", deed, "good 3", "good 4"];
  const { stats, results } = await runJobs(t, texts, {
    stages: [{ stage, timeoutMs: 300 }],
  });
  const statuses = results.map(({ status }) => status);
  expect(statuses).toEqual(["success", "success", "failed", "success", "success"]);
  expect(failureCause(results[2] as never)).toMatch(cause);
  expect(stats.stages.act).toMatchObject({ processed: 4, errors: 1, inFlight: 0 });
  expect(pool.getStats()).toMatchObject({ running: 0, waiting: 0 });
});

test("after many misdeeds of all kinds the pool is whole", async (t) => {
  const pool = poolFor(t, { maxHeapMb: 32 });
  const stage = inThread(pool, "act");
  const kinds = ["throw", "exit", "hang", "nothing", "good"];
  const texts = Array.from({ length: 30 }, (_, index) => `${kinds[index % kinds.length]} ${index}`);
  const { results } = await runJobs(t, texts, { stages: [{ stage, timeoutMs: 100 }] });
  const good = results.filter(({ status }) => status === "success");
  expect(good).toHaveLength(6);
  const again = await runJobs(t, ["good", "good"], { stages: [{ stage }] });
  expect(again.stats).toMatchObject({ processedCount: 2 });
});

test("a death of a thread is an attempt, and the next one has the message as it was", async (t) => {
  const stage = inThread(poolFor(t), "act");
  const retry = { maxAttempts: 3, baseMs: 1 };
  const { stats, results } = await runJobs(t, ["exit"], { stages: [{ stage, retry }] });
  expect(stats.stages.act).toMatchObject({ retried: 2, errors: 1 });
  expect(failureCause(results[0] as never)).toMatch(/^Error in act after 3 attempts: .*code 3/);
});

test("what is transient in a thread is transient outside", async (t) => {
  const stage = inThread(poolFor(t), "act");
  const retry = { maxAttempts: 2, baseMs: 1 };
  const { stats } = await runJobs(t, ["throw"], { stages: [{ stage, retry }] });
  expect(stats.stages.act).toMatchObject({ retried: 1, errors: 1 });
});

test("large bytes go there and back, and the message that was sent stays whole", async (t) => {
  const stage = inThread(poolFor(t), "increase");
  const message = new IngestControlMessage();
  const bytes = new Uint8Array(8 * 1024 * 1024).fill(7);
  message.payload = [{ documentType: "pdf", content: bytes as never }];
  message.setTimestamp("sent", 5n);
  message.setMetadata("fail_first", true);
  await expect(stage.process(message, stageContext())).rejects.toMatchObject({ retry: true });
  const result = await stage.process(message, stageContext({ attempt: 2 }));
  expect(bytes.every((byte) => byte === 7)).toBe(true);
  const back = result.payload[0]?.content as unknown as Uint8Array;
  expect(back).toHaveLength(bytes.length);
  expect([back[0], back[1], back[4_096], back[4_097]]).toEqual([8, 7, 8, 7]);
  expect(result.getTimestamp("sent")).toBe(5n);
});

test("batches cross at once, and a bad message fails alone", async (t) => {
  const stage = inThread(poolFor(t), "batches");
  const { results } = await runJobs(t, ["a", "bad", "c"], {
    stages: [{ stage, batch: { maxSize: 3, maxWaitMs: 60_000 } }],
    concurrency: 3,
  });
  expect(results.map(({ status }) => status)).toEqual(["success", "failed", "success"]);
  expect(results[0]?.data?.[0]?.metadata.content).toBe("a of 3");
  expect(failureCause(results[1] as never)).toBe("Error in batches: unreadable");
});

test("a batch whose thread dies is taken apart, and the one that killed it fails alone", async (t) => {
  const stage = inThread(poolFor(t), "act");
  const { results } = await runJobs(t, ["good", "exit", "later"], {
    stages: [{ stage, batch: { maxSize: 3, maxWaitMs: 60_000 } }],
    concurrency: 3,
  });
  expect(results.map(({ status }) => status)).toEqual(["success", "failed", "success"]);
  expect(failureCause(results[1] as never)).toMatch(/exited with code 3/);
});

test("a message in which the thread finds no work counts as skipped", async (t) => {
  const stage = inThread(poolFor(t), "picky");
  const { stats } = await runJobs(t, ["mine", "other"], { stages: [{ stage }] });
  expect(stats.stages.picky).toMatchObject({ processed: 1, skipped: 1, errors: 0 });
});

test("a message that cannot cross fails with the place that is to blame", async (t) => {
  const stage = inThread(poolFor(t), "act");
  const message = new IngestControlMessage();
  message.payload = [
    { documentType: "text", content: "good", metadata: { on: () => {} } as never },
  ];
  await expect(stage.process(message, stageContext())).rejects.toMatchObject({
    code: "MESSAGE_NOT_PLAIN",
    message: expect.stringContaining("metadata.on is a function"),
  });
});

test("a wrong name fails before the first job", async (t) => {
  const pool = poolFor(t);
  await expect(inThread(pool, "atc").start?.()).rejects.toThrow(/has no "atc", did you mean "act"/);
});

test("more messages in work than threads wait for one, however many, and none is refused", async (t) => {
  const stage = inThread(poolFor(t, { maxThreads: 1 }), "act");
  const texts = Array.from({ length: 1_200 }, (_, index) => `good ${index}`);
  const { stats } = await runJobs(t, texts, { stages: [{ stage }], concurrency: texts.length });
  expect(stats).toMatchObject({ processedCount: texts.length, errorCount: 0 });
});
