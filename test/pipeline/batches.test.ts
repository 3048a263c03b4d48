/**
 * Goal: a stage gets several messages at once, within its bounds, and one bad message fails alone.
 * Method: a stage that notes its batches, and fails as told.
 */
import { expect, test } from "vitest";
import { failureCause, type IngestControlMessage } from "../../src/message/index.js";
import type { BatchOutcome, Stage } from "../../src/pipeline/index.js";
import { until } from "../../src/testing/index.js";
import { startBench } from "../helpers/pipeline-bench.js";

const textOf = (message: IngestControlMessage) => String(message.payload[0]?.content);

type Work = (messages: readonly IngestControlMessage[]) => BatchOutcome | Promise<BatchOutcome>;

function batching(work: Work) {
  const batches: string[][] = [];
  const stage: Stage = {
    name: "embed",
    process: () => {
      throw new Error("never called");
    },
    async processBatch(messages) {
      batches.push(messages.map(textOf));
      return work(messages);
    },
  };
  return { stage, batches };
}

const WAITS_FOR_ALL = { maxWaitMs: 60_000 };

test("messages come in batches of at most maxSize", async (t) => {
  const { stage, batches } = batching((messages) => messages);
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 4, ...WAITS_FOR_ALL } }],
  });
  for (let index = 0; index < 12; index++) await submit(`${index}`);
  expect(await pipeline.run({ maxMessages: 12 })).toMatchObject({ processedCount: 12 });
  expect(batches.map(({ length }) => length)).toEqual([4, 4, 4]);
});

test("a batch that does not fill goes when its time is over", async (t) => {
  const { stage, batches } = batching((messages) => messages);
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 100, maxWaitMs: 5 } }],
  });
  for (let index = 0; index < 3; index++) await submit(`${index}`);
  expect(await pipeline.run({ maxMessages: 3 })).toMatchObject({ processedCount: 3 });
  expect(batches.flat()).toHaveLength(3);
});

test("a batch is bounded by bytes, and what is larger goes alone", async (t) => {
  const { stage, batches } = batching((messages) => messages);
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 100, maxBytes: 5_000, maxWaitMs: 20 } }],
  });
  const sizes = [2_000, 2_000, 9_000, 2_000];
  for (const size of sizes) await submit("x".repeat(size));
  expect(await pipeline.run({ maxMessages: 4 })).toMatchObject({ processedCount: 4 });
  const ofSizes = batches.map((batch) => batch.map(({ length }) => length));
  expect(ofSizes).toContainEqual([9_000]);
  for (const batch of ofSizes) {
    const bytes = batch.reduce((sum, size) => sum + size, 0);
    expect(batch.length === 1 || bytes <= 5_000).toBe(true);
  }
});

test("an Error in the place of a message fails that one alone", async (t) => {
  const { stage } = batching((messages) =>
    messages.map((message) => (textOf(message) === "bad" ? new Error("unreadable") : message)),
  );
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 3, ...WAITS_FOR_ALL } }],
  });
  const jobs = [await submit("a"), await submit("bad"), await submit("c")];
  await pipeline.run({ maxMessages: 3 });
  const results = await Promise.all(jobs.map(onlyResult));
  expect(results.map(({ status }) => status)).toEqual(["success", "failed", "success"]);
  expect(failureCause(results[1] as never)).toBe("Error in embed: unreadable");
});

test("a batch that fails as a whole is taken apart, and the bad one fails alone", async (t) => {
  const { stage, batches } = batching((messages) => {
    for (const { payload } of messages) if (payload[0]) payload[0].content += "!";
    if (messages.some((message) => textOf(message).startsWith("bad")))
      throw new Error("unreadable");
    return messages;
  });
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 3, ...WAITS_FOR_ALL } }],
  });
  const jobs = [await submit("a"), await submit("bad"), await submit("c")];
  const stats = await pipeline.run({ maxMessages: 3 });
  expect(stats.stages.embed).toMatchObject({ processed: 2, errors: 1, inFlight: 0 });
  expect(batches).toEqual([["a", "bad", "c"], ["a"], ["bad"], ["c"]]);
  const results = await Promise.all(jobs.map(onlyResult));
  expect(results.map(({ status }) => status)).toEqual(["success", "failed", "success"]);
  expect(results[0]?.data?.[0]?.metadata.content).toBe("a!");
});

test("only those that failed for a while are tried again", async (t) => {
  const away = Object.assign(new Error("away"), { status: 429 });
  let isFirst = true;
  const { stage, batches } = batching((messages) => {
    const outcome = messages.map((message) =>
      isFirst && textOf(message) === "b" ? away : message,
    );
    isFirst = false;
    return outcome;
  });
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      {
        stage,
        batch: { maxSize: 3, ...WAITS_FOR_ALL },
        retry: { maxAttempts: 2, baseMs: 1 },
      },
    ],
  });
  for (const text of ["a", "b", "c"]) await submit(text);
  const stats = await pipeline.run({ maxMessages: 3 });
  expect(stats).toMatchObject({ processedCount: 3, stages: { embed: { retried: 1 } } });
  expect(batches).toEqual([["a", "b", "c"], ["b"]]);
});

test("too few outcomes fail all, each with the reason", async (t) => {
  const { stage } = batching((messages) => messages.slice(1));
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 2, ...WAITS_FOR_ALL } }],
  });
  const jobs = [await submit("a"), await submit("b")];
  await pipeline.run({ maxMessages: 2 });
  for (const job of jobs) {
    expect(failureCause(await onlyResult(job))).toMatch(/got 1 messages and returned 0 messages/);
  }
});

test("a batch that never ends fails within its time", async (t) => {
  const { stage } = batching(() => new Promise<never>(() => {}));
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 2, ...WAITS_FOR_ALL }, timeoutMs: 10 }],
  });
  for (const text of ["a", "b"]) await submit(text);
  expect(await pipeline.run({ maxMessages: 2 })).toMatchObject({ errorCount: 2, inFlight: 0 });
});

test("batch without processBatch is told before anything starts", async (t) => {
  const stages = [{ stage: (message: IngestControlMessage) => message, name: "x", batch: {} }];
  await expect(startBench(t, "memory", { stages })).rejects.toThrow(/stage x has no processBatch/);
});

test.for([
  ["the pipeline has fewer places", { concurrency: 2 }, {}, 2],
  ["its inbox is smaller", {}, { inbox: { maxMessages: 1 }, concurrency: 1 }, 4],
  ["its inbox has room for fewer bytes", {}, { inbox: { maxBytes: 1 }, concurrency: 1 }, 4],
] as const)("a batch is full although %s", async ([, settings, own, size], t) => {
  const { stage, batches } = batching((messages) => messages);
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [(message) => message, { stage, batch: { maxSize: 4, ...WAITS_FOR_ALL }, ...own }],
    ...settings,
  });
  for (let index = 0; index < 8; index++) await submit(`${index}`);
  expect(await pipeline.run({ maxMessages: 8 })).toMatchObject({ processedCount: 8 });
  expect(batches.map(({ length }) => length)).toEqual(Array(8 / size).fill(size));
});

test("at a stop, and again at the next one, a batch that waits for more goes as it is", async (t) => {
  const { stage, batches } = batching((messages) => messages);
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ stage, batch: { maxSize: 4, ...WAITS_FOR_ALL } }],
  });
  for (const round of ["first", "second"]) {
    const job = await submit(round);
    await pipeline.start();
    await until("the batch waits", () => pipeline.getStats().stages.embed?.waiting === 1);
    await pipeline.stop();
    expect(await onlyResult(job)).toMatchObject({ status: "success" });
  }
  expect(batches).toEqual([["first"], ["second"]]);
});
