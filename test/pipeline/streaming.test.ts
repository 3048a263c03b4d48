/**
 * Goal: many messages are in one pipeline at once, each stage has its own places and a bounded inbox,
 * and a slow stage holds back all before it up to the source. Method: gates in stages, and counts of
 * what was taken from the broker while they are closed.
 */
import { expect, test } from "vitest";
import type { IngestControlMessage } from "../../src/message/index.js";
import { until } from "../../src/testing/index.js";
import { deferred, startBench, TASK_QUEUE } from "../helpers/pipeline-bench.js";

const textOf = (message: IngestControlMessage) => String(message.payload[0]?.content);

test("each stage works on its own message at the same time", async (t) => {
  const secondIsBusy = deferred();
  const firstIsBusy = deferred();
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      {
        name: "first",
        concurrency: 1,
        // "b" stays here until "a" is at work in the second stage.
        stage: async (message) => {
          if (textOf(message) === "a") return message;
          firstIsBusy.resolve();
          await secondIsBusy.promise;
          return message;
        },
      },
      {
        name: "second",
        concurrency: 1,
        // "a" stays here until "b" is at work in the first.
        stage: async (message) => {
          secondIsBusy.resolve();
          await firstIsBusy.promise;
          return message;
        },
      },
    ],
  });
  await submit("a");
  await submit("b");
  expect(await pipeline.run({ maxMessages: 2 })).toMatchObject({ processedCount: 2 });
});

test("a full inbox holds back the stage before, and finally the source", async (t) => {
  const gate = deferred();
  const { pipeline, submit, client } = await startBench(t, "memory", {
    stages: [
      { stage: (message) => message, name: "quick", concurrency: 1, inbox: { maxMessages: 2 } },
      {
        stage: async (message) => {
          await gate.promise;
          return message;
        },
        name: "slow",
        concurrency: 1,
        inbox: { maxMessages: 3 },
      },
    ],
    concurrency: 100,
  });
  for (let index = 0; index < 30; index++) await submit(`letter ${index}`);
  const run = pipeline.run({ maxMessages: 30 });
  // One in work and three in line at "slow", one held back in "quick" and two in line there.
  await until("the pipeline is there", () => pipeline.getStats().inFlight === 7);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pipeline.getStats()).toMatchObject({ inFlight: 7 });
  expect(await client.size(TASK_QUEUE)).toBe(23);
  const { quick, slow } = pipeline.getStats().stages;
  expect(quick).toMatchObject({ waiting: 2 });
  expect(slow).toMatchObject({ waiting: 4, inFlight: 1 });
  expect(slow?.queueFull).toBe(1);
  gate.resolve();
  expect(await run).toMatchObject({ processedCount: 30, inFlight: 0, bytesInFlight: 0 });
});

test("an inbox is bounded by bytes too, and a message larger than all of them goes alone", async (t) => {
  const gate = deferred();
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      {
        stage: async (message) => {
          await gate.promise;
          return message;
        },
        name: "slow",
        concurrency: 1,
        inbox: { maxMessages: 100, maxBytes: 25_000 },
      },
    ],
    concurrency: 50,
  });
  for (let index = 0; index < 20; index++) await submit("x".repeat(10_000));
  await submit("x".repeat(60_000));
  const run = pipeline.run({ maxMessages: 21 });
  await until("the pipeline is there", () => pipeline.getStats().stages.slow?.waitingBytes !== 0);
  expect(pipeline.getStats().stages.slow?.waitingBytes).toBeLessThanOrEqual(25_000);
  gate.resolve();
  expect(await run).toMatchObject({ processedCount: 21, inFlight: 0, bytesInFlight: 0 });
});

test("bytes in flight stay under their bound, whatever the sizes", async (t) => {
  const maxBytesInFlight = 200_000;
  let most = 0;
  const { pipeline, submit, broker } = await startBench(t, "memory", {
    processingFunctions: [
      async (message) => {
        most = Math.max(most, pipeline.getStats().bytesInFlight);
        await new Promise((resolve) => setImmediate(resolve));
        return message;
      },
    ],
    concurrency: 64,
    maxBytesInFlight,
  });
  const sizes = Array.from({ length: 200 }, (_, index) => (index % 10 === 9 ? 90_000 : 1_000));
  for (const size of sizes) await submit("x".repeat(size));
  expect(await pipeline.run({ maxMessages: 200 })).toMatchObject({ processedCount: 200 });
  expect(most).toBeGreaterThan(90_000);
  expect(most).toBeLessThanOrEqual(maxBytesInFlight);
  expect(broker.getStats()).toMatchObject({ ready: 200, inFlight: 0 });
});

test("in order, results leave as their jobs came, however long each takes", async (t) => {
  const order: string[] = [];
  const done: string[] = [];
  const gates = new Map<string, ReturnType<typeof deferred<void>>>();
  const { pipeline, submit, source } = await startBench(t, "memory", {
    stages: [
      {
        name: "uneven",
        stage: async (message) => {
          const gate = deferred();
          gates.set(textOf(message), gate);
          await gate.promise;
          done.push(textOf(message));
          return message;
        },
        concurrency: 4,
      },
      {
        name: "after",
        stage: (message) => {
          order.push(textOf(message));
          return message;
        },
        concurrency: 4,
      },
    ],
    ordered: true,
  });
  const texts = ["1", "2", "3", "4"];
  for (const text of texts) await submit(text);
  const run = pipeline.run({ maxMessages: 4 });
  await until("the pipeline is there", () => gates.size === 4);
  expect(source.getStats().messageCount).toBe(4);
  for (const text of ["3", "4", "2"]) {
    gates.get(text)?.resolve();
    await until("the pipeline is there", () => done.includes(text));
  }
  expect(order).toEqual([]);
  gates.get("1")?.resolve();
  expect(await run).toMatchObject({ processedCount: 4 });
  expect(order).toEqual(texts);
});

test("in order, a failed message keeps its place and later stages do not see it", async (t) => {
  const order: string[] = [];
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      {
        name: "picky",
        stage: async (message) => {
          if (textOf(message) === "2") throw new Error("not this one");
          return message;
        },
        concurrency: 3,
      },
      (message) => {
        order.push(textOf(message));
        return message;
      },
    ],
    ordered: true,
  });
  for (const text of ["1", "2", "3"]) await submit(text);
  expect(await pipeline.run({ maxMessages: 3 })).toMatchObject({
    processedCount: 2,
    errorCount: 1,
  });
  expect(order).toEqual(["1", "3"]);
});

test("as finished, a quick message overtakes a slow one", async (t) => {
  const gate = deferred();
  const order: string[] = [];
  const { pipeline, submit } = await startBench(t, "memory", {
    processingFunctions: [
      async (message) => {
        if (textOf(message) === "slow") await gate.promise;
        order.push(textOf(message));
        if (order.length === 2) gate.resolve();
        return message;
      },
    ],
    concurrency: 3,
  });
  for (const text of ["slow", "b", "c"]) await submit(text);
  await pipeline.run({ maxMessages: 3 });
  expect(order).toEqual(["b", "c", "slow"]);
});

test("a stage without work for a message does not make it wait", async (t) => {
  const gate = deferred();
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [
      {
        stage: {
          name: "only_slow",
          accepts: (message) => textOf(message) === "slow",
          process: async (message) => {
            await gate.promise;
            return message;
          },
        },
        concurrency: 1,
      },
    ],
    concurrency: 4,
  });
  await submit("slow");
  const quick = await submit("quick");
  const run = pipeline.run({ maxMessages: 2 });
  expect(await onlyResult(quick)).toMatchObject({ status: "success" });
  gate.resolve();
  expect((await run).stages).toMatchObject({ only_slow: { processed: 1, skipped: 1 } });
});

test("a stage with {min, max} takes more while messages wait", async (t) => {
  const gate = deferred();
  let most = 0;
  let inWork = 0;
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      {
        name: "elastic",
        stage: async (message) => {
          inWork++;
          most = Math.max(most, inWork);
          if (inWork === 3) gate.resolve();
          await gate.promise;
          inWork--;
          return message;
        },
        concurrency: { min: 1, max: 3 },
      },
    ],
    memoryThreshold: 0.95,
  });
  for (let index = 0; index < 10; index++) await submit(`${index}`);
  expect(await pipeline.run({ maxMessages: 10 })).toMatchObject({ processedCount: 10 });
  expect(most).toBe(3);
  expect(pipeline.getStats().stages.elastic?.concurrency).toBeGreaterThan(1);
});

test("a stop gives back what waits in inboxes, and the next run finds it", async (t) => {
  const gate = deferred();
  const { pipeline, submit, client } = await startBench(t, "memory", {
    stages: [
      {
        name: "stuck",
        stage: async (message) => {
          await gate.promise;
          return message;
        },
        concurrency: 2,
        inbox: { maxMessages: 4 },
      },
    ],
  });
  for (let index = 0; index < 10; index++) await submit(`${index}`);
  await pipeline.start();
  await until("the pipeline is there", () => pipeline.getStats().inFlight === 6);
  await pipeline.stop({ timeoutMs: 1 });
  expect(pipeline.getStats()).toMatchObject({ inFlight: 0, bytesInFlight: 0, errorCount: 6 });
  expect(await client.size(TASK_QUEUE)).toBe(10);
  gate.resolve();
  expect(await pipeline.run({ maxMessages: 10 })).toMatchObject({ processedCount: 10 });
});

test("a stop that answers fails what waits in inboxes, with the stage it waited for", async (t) => {
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [{ name: "stuck", stage: () => new Promise(() => {}), concurrency: 1 }],
  });
  const jobs = [await submit("a"), await submit("b")];
  await pipeline.start();
  await until("the pipeline is there", () => pipeline.getStats().inFlight === 2);
  await pipeline.stop({ timeoutMs: 1, unfinished: "fail" });
  for (const job of jobs) {
    const { status, annotations } = await onlyResult(job);
    expect(status).toBe("failed");
    expect(JSON.stringify(annotations)).toMatch(/Error in stuck: the pipeline was stopped/);
  }
});

test("a long chain of stages that are done at once works off a backlog", async (t) => {
  const stages = Array.from({ length: 498 }, (_, index) => ({
    name: `stage_${index}`,
    stage: (message: IngestControlMessage) => message,
    concurrency: 1,
  }));
  const { pipeline, submit } = await startBench(t, "memory", { stages });
  for (let index = 0; index < 100; index++) await submit(`${index}`);
  expect(await pipeline.run({ maxMessages: 100 })).toMatchObject({ processedCount: 100 });
});
