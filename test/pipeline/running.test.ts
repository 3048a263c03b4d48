/**
 * Goal: a run ends where its limits say, and its counts are exact. Method: a known number of jobs in
 * the queue, a limit, and then the stats and what is left.
 */
import { describe, expect, test } from "vitest";
import { type ProcessingFunction, toSnakeCase } from "../../src/pipeline/index.js";
import { MessageBrokerTaskSource } from "../../src/sources/index.js";
import { until } from "../../src/testing/index.js";
import { startBench, TASK_QUEUE, TRANSPORTS, textJob } from "../helpers/pipeline-bench.js";

describe.each(TRANSPORTS)("over %s a run", (transport) => {
  test.for([1, 8])("takes exactly maxMessages with %i at a time", async (concurrency, t) => {
    const { pipeline, submit, client } = await startBench(t, transport, { concurrency });
    for (let index = 0; index < 20; index++) await submit(`letter ${index}`);
    expect(await pipeline.run({ maxMessages: 7 })).toMatchObject({ processedCount: 7 });
    expect(await client.size(TASK_QUEUE)).toBe(13);
    expect(await pipeline.run({ maxMessages: 13 })).toMatchObject({
      processedCount: 20,
      errorCount: 0,
      inFlight: 0,
      running: false,
    });
    expect(await client.size(TASK_QUEUE)).toBe(0);
    expect(await pipeline.run({ maxMessages: 0 })).toMatchObject({ processedCount: 20 });
  });

  test.for([1, 8])("counts idle iterations too, with %i at a time", async (concurrency, t) => {
    const { pipeline, submit, broker } = await startBench(t, transport, { concurrency });
    for (let index = 0; index < 3; index++) await submit(`letter ${index}`);
    const stats = await pipeline.run({ maxIterations: 10, pollIntervalMs: 2 });
    expect(stats).toMatchObject({ processedCount: 3, errorCount: 0 });
    expect(broker.getStats().pops).toBe(10);
  });

  test.for([1, 8])("ends when nothing comes, with %i at a time", async (concurrency, t) => {
    const { pipeline, submit } = await startBench(t, transport, { concurrency });
    for (let index = 0; index < 10; index++) await submit(`letter ${index}`);
    expect(await pipeline.run({ idleTimeoutMs: 300 })).toMatchObject({ processedCount: 10 });
  });

  test.for([1, 8])("ends on its signal after work in hand, with %i at a time", async (count, t) => {
    const stop = new AbortController();
    const { pipeline, submit, client } = await startBench(t, transport, {
      concurrency: count,
      processingFunctions: [
        async (message) => {
          if (message.payload[0]?.content === "letter 1") stop.abort();
          return message;
        },
      ],
    });
    for (let index = 0; index < 30; index++) await submit(`letter ${index}`);
    const stats = await pipeline.run({ signal: stop.signal });
    expect(stats.processedCount).toBeGreaterThanOrEqual(2);
    expect(stats.processedCount).toBeLessThan(30);
    expect(stats.processedCount + (await client.size(TASK_QUEUE))).toBe(30);
    const none = await pipeline.run({ signal: stop.signal });
    expect(none.processedCount).toBe(stats.processedCount);
  });

  test("is refused while another runs, and that one is not disturbed", async (t) => {
    const { pipeline, submit, onlyResult } = await startBench(t, transport);
    const busy = { code: "PIPELINE_BUSY" };
    const first = pipeline.run({ maxMessages: 1 });
    await expect(pipeline.run()).rejects.toMatchObject(busy);
    expect((await onlyResult(await submit("grain"))).status).toBe("success");
    expect(await first).toMatchObject({ processedCount: 1 });
    await pipeline.start();
    await expect(pipeline.run()).rejects.toMatchObject(busy);
    expect((await onlyResult(await submit("more grain"))).status).toBe("success");
  });

  test("of one iteration tells whether a job was done", async (t) => {
    const { pipeline, submit } = await startBench(t, transport, {
      processingFunctions: [
        (message) => {
          if (message.payload[0]?.content === "bad") throw new Error("bad grain");
          return message;
        },
      ],
    });
    expect(await pipeline.runSingleIteration({ pollIntervalMs: 5 })).toBe(false);
    await submit("good");
    await submit("bad");
    expect(await pipeline.runSingleIteration()).toBe(true);
    expect(await pipeline.runSingleIteration()).toBe(false);
    expect(pipeline.getStats()).toMatchObject({ processedCount: 1, errorCount: 1 });
  });
});

describe.each(TRANSPORTS)("over %s a source", (transport) => {
  test("that is paused hands out nothing, and loses nothing", async (t) => {
    const { source, client, broker } = await startBench(t, transport);
    const waiting = source.getMessage();
    await until("it waits", () => broker.getStats().waiters === 1);
    expect(source.pause()).toBe(true);
    expect(await waiting).toBeUndefined();
    await until("nobody waits", () => broker.getStats().waiters === 0);
    await client.submitMessage(TASK_QUEUE, textJob("kept"), { forNvIngest: true });
    expect(await source.getMessage({ timeoutMs: 5 })).toBeUndefined();
    expect(source.getStats()).toMatchObject({ paused: true, messageCount: 0 });
    const later = source.getMessage();
    expect(source.resume()).toBe(true);
    const message = await later;
    expect(message?.payload[0]?.content).toBe("kept");
    if (message !== undefined) await source.acknowledge(message);
    expect(source.getStats()).toMatchObject({ paused: false, messageCount: 1, inFlight: 0 });
    await source.stop();
  });

  test("that is stopped ends all who wait at it, also after a needless resume", async (t) => {
    const bench = await startBench(t, transport);
    // A client of the test's own lives on, so it is the source that must end the wait.
    const source = new MessageBrokerTaskSource({ brokerClient: bench.client });
    const waiting = source.getMessage();
    await until("it waits", () => bench.broker.getStats().waiters === 1);
    source.resume();
    await source.stop();
    expect(await waiting).toBeUndefined();
    await source.start();
    source.pause();
    const paused = source.getMessage();
    await source.stop();
    expect(await paused).toBeUndefined();
    expect(source.paused).toBe(true);
  });

  test("gives back on stop what was not settled, at its old place", async (t) => {
    const { source, submit, client } = await startBench(t, transport);
    await submit("one");
    await submit("two");
    const message = await source.getMessage();
    await source.stop();
    expect(await client.size(TASK_QUEUE)).toBe(2);
    const again = await source.getMessage();
    expect(again?.jobId).toBe(message?.jobId);
    if (message === undefined) throw new Error("a job was there");
    await expect(source.acknowledge(message)).rejects.toMatchObject({
      code: "SOURCE_DELIVERY_UNKNOWN",
    });
    await source.stop();
  });

  test("can be walked through until it is stopped", async (t) => {
    const { source, submit } = await startBench(t, transport);
    for (const text of ["one", "two", "three"]) await submit(text);
    const seen: unknown[] = [];
    for await (const message of source) {
      seen.push(message.payload[0]?.content);
      await source.acknowledge(message);
      if (seen.length === 3) await source.stop();
    }
    expect(seen).toEqual(["one", "two", "three"]);
  });
});

test("walking through a source whose broker stopped leaves the process free to work", async (t) => {
  const { source, broker } = await startBench(t, "memory");
  await source.start();
  await broker.start();
  await broker.stop();
  const walked = (async () => {
    for await (const message of source) await source.release(message);
  })();
  // Reached only if the walk does not keep the event loop to itself.
  await new Promise((resolve) => setTimeout(resolve, 1));
  await source.stop();
  await walked;
  expect(source.getStats()).toMatchObject({ messageCount: 0 });
});

test("stats have the names of the original too", async (t) => {
  const { pipeline, submit } = await startBench(t, "memory", {
    processingFunctions: [
      function grind(message) {
        return message;
      },
    ],
  });
  expect(pipeline.getStats()).toMatchObject({ startTime: null, elapsedSeconds: 0, running: false });
  await submit("grain");
  const stats = await pipeline.run({ maxMessages: 1 });
  expect(stats).toEqual({
    running: false,
    startTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    elapsedSeconds: expect.any(Number),
    processedCount: 1,
    errorCount: 0,
    lostCount: 0,
    inFlight: 0,
    bytesInFlight: 0,
    idleSeconds: expect.any(Number),
    processingRateCps: expect.any(Number),
    circuits: {},
    source: expect.objectContaining({ messageCount: 1, running: false, paused: false }),
    sink: expect.objectContaining({ messageCount: 1, bytesSent: expect.any(Number) }),
    stages: {
      grind: {
        processed: 1,
        errors: 0,
        skipped: 0,
        retried: 0,
        inFlight: 0,
        elapsedSeconds: expect.any(Number),
        waiting: 0,
        waitingBytes: 0,
        queueFull: 0,
        concurrency: 1,
      },
    },
  });
  expect(toSnakeCase(stats)).toEqual({
    running: false,
    start_time: stats.startTime,
    elapsed_seconds: stats.elapsedSeconds,
    processed_count: 1,
    error_count: 0,
    lost_count: 0,
    in_flight: 0,
    bytes_in_flight: 0,
    idle_seconds: stats.idleSeconds,
    circuits: {},
    processing_rate_cps: stats.processingRateCps,
    source_stats: expect.objectContaining({
      message_count: 1,
      paused: false,
      last_message_at: expect.any(String),
    }),
    sink_stats: expect.objectContaining({ message_count: 1, start_time: expect.any(String) }),
    stage_stats: [
      {
        processed: 1,
        errors: 0,
        elapsed: expect.any(Number),
        failed: 0,
        active_processing: 0,
        queue_full: 0,
        processing_rate_cps: expect.any(Number),
      },
    ],
  });
});

test("a stage is told its own options, and `{}` where it has none", async (t) => {
  const seen: unknown[] = [];
  const look: ProcessingFunction = (message, { config }) => {
    seen.push(config);
    return message;
  };
  const { pipeline, submit } = await startBench(t, "memory", {
    stages: [
      { name: "with", stage: look, config: { words: ["a"] } },
      { name: "without", stage: look },
    ],
  });
  await submit("grain");
  await pipeline.run({ maxMessages: 1 });
  expect(seen).toEqual([{ words: ["a"] }, {}]);
});
