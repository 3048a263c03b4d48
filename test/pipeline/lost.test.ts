/**
 * Goal: work on a job that was taken away ends quietly, and its result is not counted as anybody's.
 * Method: a real source, pipeline and sink against a broker whose every answer the test writes.
 */
import { describe, expect, test } from "vitest";
import { Pipeline, type ProcessingFunction } from "../../src/pipeline/index.js";
import { MessageBrokerTaskSink, type SinkDependencies } from "../../src/sinks/index.js";
import { MessageBrokerTaskSource } from "../../src/sources/index.js";

import { deferred, TASK_QUEUE, textJob } from "../helpers/pipeline-bench.js";
import {
  type ClientFrame,
  nextAck,
  type ScriptLine,
  STEPWISE,
  startScripted,
} from "../helpers/scripted-broker.js";
import { type Cleanup, collectingLogger } from "../helpers/start-broker.js";

const LATE = [
  ["Job is over", "QUEUE_JOB_OVER"],
  ["Lease is over", "QUEUE_LEASE_OVER"],
] as const;

describe("a job that is taken away", () => {
  test("ends its stage, and neither a result nor an acknowledgement follows", async (t) => {
    const reasons: unknown[] = [];
    let laterStages = 0;
    const bench = await startChain(t, { jobs: ["one", "two"] }, [
      async function waits(message, { signal }) {
        if (message.jobId !== "one") return message;
        const aborted = new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
        bench.takeAway("one");
        await aborted.catch((error: unknown) => {
          reasons.push(error);
          throw error;
        });
        return message;
      },
      function later(message) {
        laterStages++;
        return message;
      },
    ]);
    const stats = await bench.pipeline.run({ maxMessages: 2 });
    expect(reasons).toMatchObject([{ code: "CLIENT_LEASE_OVER" }]);
    expect(laterStages).toBe(1);
    expect(stats).toMatchObject({
      processedCount: 1,
      errorCount: 0,
      lostCount: 1,
      inFlight: 0,
      source: { inFlight: 0, messageCount: 2 },
      sink: { messageCount: 1, lateCount: 0, undeliverableCount: 0 },
      stages: { waits: { errors: 0 } },
    });
    expect(bench.pushed()).toEqual(["two"]);
    expect(bench.acknowledged()).toEqual(["lease of two"]);
    expect(bench.troubles()).toEqual([]);
  });

  test("between two stages does not get to the second one", async (t) => {
    let laterStages = 0;
    const bench = await startChain(t, { jobs: ["one"] }, [
      async function ignores(message, { signal }) {
        bench.takeAway("one");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return message;
      },
      function later(message) {
        laterStages++;
        return message;
      },
    ]);
    expect(await bench.pipeline.run({ maxMessages: 1 })).toMatchObject({ lostCount: 1 });
    expect(laterStages).toBe(0);
    expect(bench.pushed()).toEqual([]);
  });

  test("does not slow down the next one, as a failure to deliver does", async (t) => {
    const jobs = Array.from({ length: 40 }, (_, index) => `job ${index}`);
    const bench = await startChain(t, { jobs }, [
      async function ignores(message, { signal }) {
        bench.takeAway(message.jobId as string);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return message;
      },
    ]);
    // With the pauses of failures this would take minutes, longer than a test may.
    const stats = await bench.pipeline.run({ maxMessages: jobs.length });
    expect(stats).toMatchObject({ lostCount: jobs.length, processedCount: 0, errorCount: 0 });
  });

  test("while its result waits for a place takes the result back", async (t) => {
    const refused = deferred();
    const onPush = async (line: ScriptLine) => {
      line.say({ code: 1, reason: "Queue is full" });
      refused.resolve();
    };
    const bench = await startChain(t, { jobs: ["one"], onPush }, []);
    const running = bench.pipeline.run({ maxMessages: 1 });
    await refused.promise;
    bench.takeAway("one");
    expect(await running).toMatchObject({
      lostCount: 1,
      errorCount: 0,
      sink: { messageCount: 0, undeliverableCount: 0, lateCount: 0 },
    });
    expect(bench.troubles()).toEqual([]);
  });
});

describe("a result that comes too late", () => {
  test.for(LATE)("is counted and logged without its content: %s", async ([reason, code], t) => {
    const undeliverable: unknown[] = [];
    const onUndeliverable = (_: unknown, error: unknown) => undeliverable.push(error);
    const onPush = async (line: ScriptLine) => line.say({ code: 1, reason });
    const bench = await startChain(t, { jobs: ["one"], onPush, onUndeliverable }, []);
    expect(await bench.pipeline.run({ maxMessages: 1 })).toMatchObject({
      errorCount: 0,
      sink: { messageCount: 0, failedCount: 0, undeliverableCount: 0, lateCount: 1 },
    });
    expect(undeliverable).toEqual([]);
    // No failed result is tried in its place, and the job is settled.
    expect(bench.pushed()).toEqual(["one"]);
    expect(bench.acknowledged()).toEqual(["lease of one"]);
    expect(bench.troubles()).toEqual([]);
    const [line = "", ...more] = bench.logger.lines.filter((each) => each.includes("too late"));
    expect(line).toMatch(/^info /);
    expect(line).toContain(code === "QUEUE_JOB_OVER" ? "is over" : "delivery of job");
    expect(line).not.toContain("grain");
    expect(more).toEqual([]);
  });

  test("and an acknowledgement that comes too late are no error", async (t) => {
    const onPush = async (line: ScriptLine) => line.say({ code: 1, reason: "Lease is over" });
    const bench = await startChain(t, { jobs: ["one"], onPush, refusesAcks: true }, []);
    expect(await bench.pipeline.run({ maxMessages: 1 })).toMatchObject({
      lostCount: 1,
      processedCount: 0,
      errorCount: 0,
      sink: { lateCount: 1 },
    });
    expect(bench.troubles()).toEqual([]);
  });
});

test("a result names the delivery of its job, and the source knows it until it is settled", async (t) => {
  const { source, pipeline, frames } = await startChain(t, { jobs: ["one", "two"] }, []);
  await source.start();
  const message = await source.getMessage();
  if (message === undefined) throw new Error("there is a job");
  expect(source.deliveryOf(message)).toMatchObject({ leaseId: "lease of one" });
  expect(source.deliveryOf(message)?.lost?.aborted).toBe(false);
  // What goes with a message stays beside it.
  expect(message.listMetadata().some((key) => key.includes("lease"))).toBe(false);
  await source.acknowledge(message);
  expect(source.deliveryOf(message)).toBeUndefined();
  await pipeline.run({ maxMessages: 1 });
  expect(frames.find(({ command }) => command === "PUSH")).toMatchObject({
    queue_name: "two",
    lease: "lease of two",
  });
});

interface ChainOptions extends SinkDependencies {
  /** Ids of the jobs that are handed out, in order. */
  readonly jobs: readonly string[];
  /** Answers a PUSH; it is stored when this is left out. */
  readonly onPush?: (line: ScriptLine) => Promise<void>;
  /** Says of every acknowledgement that the delivery is over. */
  readonly refusesAcks?: boolean;
}

async function startChain(
  t: Cleanup,
  { jobs, onPush = store, refusesAcks = false, ...dependencies }: ChainOptions,
  processingFunctions: readonly ProcessingFunction[],
) {
  const waiting = [...jobs];
  const open = new Map<string, ScriptLine>();
  const { port, frames } = await startScripted(t, STEPWISE, async (request, line) => {
    if (request.command === "PUSH") {
      await onPush(line);
      return;
    }
    const jobId = waiting.shift();
    if (jobId === undefined) {
      line.say({ code: 2, reason: "Job not ready" });
      return;
    }
    const id = `lease of ${jobId}`;
    open.set(jobId, line);
    line.say({ response: textJob("grain").replace("None", jobId), id });
    await nextAck(line);
    if (refusesAcks) takeAway(jobId);
    else line.say({ response: "Data processed.", id });
  });
  const takeAway = (jobId: string) => {
    const line = open.get(jobId);
    line?.say({ code: 1, reason: "ACK not received.", id: `lease of ${jobId}` });
    line?.hangUp();
  };
  const logger = collectingLogger();
  const brokerClient = { clientType: "simple", host: "127.0.0.1", port } as const;
  const source = new MessageBrokerTaskSource({ brokerClient, taskQueue: TASK_QUEUE }, { logger });
  const sink = new MessageBrokerTaskSink({ brokerClient }, { logger, ...dependencies });
  const pipeline = new Pipeline({ source, sink, processingFunctions, logger });
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  t.onTestFinished(() => source.stop());
  const ofCommand = (command: string) => frames.filter((frame) => frame.command === command);
  return {
    pipeline,
    source,
    logger,
    frames,
    takeAway,
    pushed: () => ofCommand("PUSH").map(({ queue_name }) => queue_name),
    acknowledged: () => leasesAcknowledged(frames),
    troubles: () => logger.lines.filter((line) => /^(?:warn|error) /.test(line)),
  };
}

async function store(line: ScriptLine): Promise<void> {
  const id = "the push";
  line.say({ response: "Transaction initiated. Waiting for ACK.", id });
  await line.next();
  line.say({ response: "Data stored.", id });
}

function leasesAcknowledged(frames: readonly ClientFrame[]): unknown[] {
  const acks = frames.filter(({ ack, transaction_id = "" }) => {
    return ack !== undefined && transaction_id.startsWith("lease");
  });
  return acks.map(({ ack, transaction_id }) => (ack === true ? transaction_id : "a release"));
}
