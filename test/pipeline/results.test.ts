/**
 * Goal: a result is stored before its job is acknowledged, and a job whose result cannot be stored is
 * not lost. Method: a real chain whose sink meets full queues, results that cannot be written and a
 * line that is cut.
 */
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { completeRowMetadata, failureCause } from "../../src/message/index.js";
import { until } from "../../src/testing/index.js";
import { startBench, TASK_QUEUE, TRANSPORTS, textJob } from "../helpers/pipeline-bench.js";
import { collectingLogger } from "../helpers/start-broker.js";
import { startProxy, type TcpProxy } from "../helpers/tcp-proxy.js";

describe.each(TRANSPORTS)("over %s", (transport) => {
  test("a pipeline without stages gives back what went in, as rows with metadata", async (t) => {
    const { pipeline, submit, onlyResult, broker } = await startBench(t, transport);
    const jobId = await submit("Grüße aus der Mühle");
    expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ processedCount: 1 });
    const result = await onlyResult(jobId);
    expect(result.status).toBe("success");
    expect(result.data).toHaveLength(1);
    expect(result.data?.[0]).toMatchObject({
      document_type: "text",
      metadata: {
        content: "Grüße aus der Mühle",
        content_metadata: { type: "text" },
        source_metadata: { source_name: "letter.txt" },
      },
    });
    expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
  });

  test("a job is not gone before its result is there", async (t) => {
    const bench = await startBench(t, transport, {
      brokerOptions: { brokerParams: { maxQueueSize: 1 } },
    });
    const { broker, client, pipeline } = bench;
    const jobId = "full";
    await client.submitMessage(jobId, "in the way");
    await client.submitMessage(TASK_QUEUE, textJob("grain").replace("None", jobId));
    const running = pipeline.run({ maxMessages: 1 });
    await until("the result was refused", () => broker.getStats().pushesRefused > 0);
    const whileRefused = broker.getStats();
    expect(await client.fetchMessage(jobId)).toBe("in the way");
    expect(whileRefused).toMatchObject({ inFlight: 1 });
    expect(await running).toMatchObject({ processedCount: 1, errorCount: 0 });
    expect((await bench.onlyResult(jobId)).status).toBe("success");
  });

  test("a result that is too large becomes a failed one", async (t) => {
    const { pipeline, submit, onlyResult } = await startBench(t, transport, {
      sinkConfig: { maxResultBytes: 4_096 },
    });
    const large = await submit("flour ".repeat(1_000));
    const small = await submit("flour");
    const stats = await pipeline.run({ maxMessages: 2 });
    expect(stats).toMatchObject({ processedCount: 1, errorCount: 1 });
    expect(stats.sink).toMatchObject({ messageCount: 2, failedCount: 1, undeliverableCount: 0 });
    const result = await onlyResult(large);
    expect(result).toMatchObject({ status: "failed", data: null });
    expect(failureCause(result)).toMatch(/too large: \d+ bytes in 1 rows/);
    expect((await onlyResult(small)).status).toBe("success");
  });

  test.for(["a cycle", "a bigint"])("a result with %s becomes a failed one", async (what, t) => {
    const { pipeline, submit, onlyResult } = await startBench(t, transport, {
      processingFunctions: [
        (message) => {
          const custom: Record<string, unknown> = { count: 7n };
          if (what === "a cycle") custom.count = custom;
          const metadata = { ...completeRowMetadata({ content: "" }), ...custom };
          message.payload = [{ documentType: "text", metadata }];
          return message;
        },
      ],
    });
    const jobId = await submit("grain");
    expect(await pipeline.run({ maxMessages: 1 })).toMatchObject({ errorCount: 1 });
    const result = await onlyResult(jobId);
    expect(result).toMatchObject({ status: "failed", data: null });
    expect(failureCause(result)).toContain("cannot be written as JSON");
  });

  test("with one message at a time the order is kept", async (t) => {
    const seen: unknown[] = [];
    const { pipeline, submit } = await startBench(t, transport, {
      processingFunctions: [
        async (message) => {
          seen.push(message.payload[0]?.content);
          return message;
        },
      ],
    });
    const sent = Array.from({ length: 12 }, (_, index) => `letter ${index}`);
    for (const text of sent) await submit(text);
    await pipeline.run({ maxMessages: sent.length });
    expect(seen).toEqual(sent);
  });
});

describe("a line that is cut", () => {
  test("while a job is in work ends the work, and the job gets its one result", async (t) => {
    let proxy: TcpProxy | undefined;
    let rounds = 0;
    const logger = collectingLogger();
    const { pipeline, submit, onlyResult, broker } = await startBench(t, "tcp", {
      through: async (port) => {
        proxy = await startProxy(t, port);
        return proxy.port;
      },
      logger,
      processingFunctions: [
        async (message, { signal }) => {
          if (rounds++ > 0) return message;
          proxy?.cut();
          await once(signal, "abort");
          proxy?.mend();
          throw signal.reason;
        },
      ],
    });
    const jobId = await submit("grain");
    await pipeline.start();
    expect((await onlyResult(jobId)).status).toBe("success");
    await pipeline.stop();
    expect(rounds).toBe(2);
    expect(pipeline.getStats()).toMatchObject({
      processedCount: 1,
      errorCount: 0,
      lostCount: 1,
      sink: { undeliverableCount: 0, messageCount: 1 },
    });
    expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([]);
    expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
  });

  test("while the pipeline waits is found again", async (t) => {
    let proxy: TcpProxy | undefined;
    const { pipeline, source, submit, onlyResult, broker } = await startBench(t, "tcp", {
      through: async (port) => {
        proxy = await startProxy(t, port);
        return proxy.port;
      },
    });
    await pipeline.start();
    await until("it waits at the broker", () => broker.getStats().waiters === 1);
    proxy?.cut();
    await until("it has noticed", () => source.getStats().fetchErrorCount > 0);
    proxy?.mend();
    expect((await onlyResult(await submit("grain"))).status).toBe("success");
  });
});

test("a job whose result cannot be stored is tried again with growing pauses", async (t) => {
  const ROUNDS = 5;
  let rounds = 0;
  let isOver = false;
  const { pipeline, client } = await startBench(t, "memory", {
    brokerOptions: { brokerParams: { maxQueueSize: 1 } },
    sinkConfig: { submitTimeoutMs: 1, maxAttempts: 1 },
    processingFunctions: [
      (message) => {
        isOver = ++rounds >= ROUNDS;
        return message;
      },
    ],
  });
  // The queue of its result is full, and nobody empties it.
  await client.submitMessage("full", "older");
  await client.submitMessage(TASK_QUEUE, textJob("grain").replace("None", "full"));
  await pipeline.start();
  let turns = 0;
  for (; !isOver; turns++) await nextTurn();
  await pipeline.stop();
  // Without pauses a round takes a turn of the event loop or two.
  expect(turns).toBeGreaterThan(20 * ROUNDS);
  expect(await client.size(TASK_QUEUE)).toBe(1);
});
