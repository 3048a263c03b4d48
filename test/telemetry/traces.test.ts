/**
 * Goal: each job is one trace, from its submission to its result, in the trace that its client named;
 * nothing of its documents is in it.
 * Method: a local pipeline that sends to a collector over real HTTP, read as JSON.
 */
import { expect, test } from "vitest";
import { createClient } from "../../src/client/index.js";
import { silentLogger } from "../../src/core/index.js";
import {
  createJob,
  encodeJob,
  extractTask,
  type JobDocument,
  parseResult,
} from "../../src/message/index.js";
import { LocalPipeline, type LocalPipelineOptions } from "../../src/runtime/index.js";
import { openTracing, SpanObserver, type TracedJob } from "../../src/telemetry/index.js";
import { until } from "../../src/testing/index.js";
import { type CollectedSpan, type Collector, startCollector } from "../helpers/otlp-collector.js";
import { type Cleanup, collectingLogger, startBroker } from "../helpers/start-broker.js";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SECRET = "the harvest of 1846";

async function startPipeline(t: Cleanup, options: Partial<LocalPipelineOptions>) {
  const logger = collectingLogger();
  const broker = await startBroker(t);
  const brokerClient = { clientType: "memory", broker } as const;
  const pipeline = new LocalPipeline({ brokerClient, ...options }, { logger });
  await pipeline.start();
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  const client = createClient(brokerClient);
  const run = async (job: JobDocument) => {
    const options = { forNvIngest: true };
    const text = encodeJob(job);
    const { transactionId } = await client.submitMessage("ingest_task_queue", text, options);
    const result = await client.fetchMessage(transactionId);
    return { jobId: transactionId, status: parseResult(result as string).status };
  };
  return { pipeline, run, logger };
}

function jobOf(name: string, type: string, traceId?: string): JobDocument {
  const documents = [{ name, content: type === "text" ? SECRET : "QUFB", type }];
  const tasks = [extractTask({ documentType: type })];
  return createJob({ documents, tasks, ...(traceId && { traceId }) });
}

const named = (collector: Collector, name: string) =>
  collector.spans.find((span) => span.name === name) as CollectedSpan;

test("a job's spans are one trace, from its submission to its result", async (t) => {
  const collector = await startCollector(t);
  const { pipeline, run } = await startPipeline(t, {
    otlpEndpoint: `${collector.url}/`,
    otlpServiceName: "mill",
  });
  const before = BigInt(Date.now()) * 1_000_000n;
  const { jobId, status } = await run(jobOf("grain.txt", "text", TRACE_ID));
  expect(status).toBe("success");
  await pipeline.stop();
  const after = BigInt(Date.now() + 1) * 1_000_000n;
  expect([...collector.paths]).toEqual(["/v1/traces"]);
  const { spans } = collector;
  expect(spans.map(({ name }) => name).sort()).toEqual([
    "job",
    "queue",
    "result",
    "stage metadata_injector",
  ]);
  for (const span of spans) {
    expect(span).toMatchObject({ traceId: TRACE_ID, service: "mill", isError: false });
    expect(span.endNs >= span.startNs).toBe(true);
    // Clocks of the two kinds differ by less than a millisecond.
    expect(span.startNs >= before - 1_000_000n && span.endNs <= after + 1_000_000n).toBe(true);
  }
  const job = named(collector, "job");
  expect(job.parentSpanId).toBe("");
  expect(job.attributes).toEqual({
    "millrace.job.id": jobId,
    "millrace.document.types": ["text"],
    "millrace.document.count": 1,
    "millrace.outcome": "processed",
  });
  const [queue, stage, result] = ["queue", "stage metadata_injector", "result"].map((name) =>
    named(collector, name),
  ) as [CollectedSpan, CollectedSpan, CollectedSpan];
  for (const child of [queue, stage, result]) expect(child.parentSpanId).toBe(job.spanId);
  expect(queue.startNs).toBe(job.startNs);
  expect(queue.endNs <= stage.startNs).toBe(true);
  expect(result.startNs).toBe(stage.endNs);
  expect(result.endNs).toBe(job.endNs);
  expect(stage.attributes).toEqual({
    "millrace.stage": "metadata_injector",
    "millrace.attempt": 1,
    "millrace.outcome": "processed",
  });
});

test("a job that fails is an error with a code, and neither its text nor its name is told", async (t) => {
  const collector = await startCollector(t);
  const { pipeline, run } = await startPipeline(t, { otlpEndpoint: collector.url });
  const { jobId, status } = await run(jobOf("secret name.pdf", "pdf"));
  expect(status).toBe("failed");
  await run(jobOf("secret name.txt", "text"));
  await pipeline.stop();
  const failed = collector.spans.filter(({ isError }) => isError);
  expect(failed.map(({ name }) => name).sort()).toEqual(["job", "stage pdf_extractor"]);
  for (const { attributes } of failed) {
    expect(attributes).toMatchObject({
      "error.type": expect.stringMatching(/^[A-Z]+_[A-Z_]+$/),
      "millrace.outcome": "failed",
    });
  }
  // A job without a trace of its own is found by its id.
  expect(failed[0]?.traceId).toBe(jobId.replaceAll("-", ""));
  expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(2);
  expect(collector.bodies.join()).not.toMatch(/secret|harvest/);
});

test("a collector at an address of its own is sent to there", async (t) => {
  const collector = await startCollector(t);
  const { pipeline, run } = await startPipeline(t, {
    otlpEndpoint: "http://127.0.0.1:1/never",
    otlpTracesEndpoint: `${collector.url}/my/spans`,
  });
  await run(jobOf("grain.txt", "text"));
  await pipeline.stop();
  expect([...collector.paths]).toEqual(["/my/spans"]);
});

test("without a collector jobs are done, a stop ends all the same, and it is said once", async (t) => {
  const { pipeline, run, logger } = await startPipeline(t, {
    otlpEndpoint: "http://127.0.0.1:1",
  });
  for (let count = 0; count < 3; count++) {
    expect((await run(jobOf("grain.txt", "text"))).status).toBe("success");
  }
  await pipeline.stop({ timeoutMs: 1 });
  const told = logger.lines.filter((line) => line.startsWith("warn") && line.includes("spans"));
  expect(told).toHaveLength(1);
});

test("many jobs at once are all sent at the end", async (t) => {
  const collector = await startCollector(t);
  const means = await openTracing(
    { url: `${collector.url}/v1/traces`, serviceName: "mill" },
    { logger: silentLogger },
  );
  const observer = new SpanObserver<object>(means, plainJob);
  // As many as the line holds: sixteen batches, all flushed at once.
  for (let count = 0; count < 4_096; count++) {
    const origin = {};
    observer.jobFetched(origin);
    observer.jobEnded({ origin, outcome: "processed", durationMs: 1 });
  }
  await means.stop({ timeoutMs: 20_000 });
  await until("all are there", () => collector.spans.length === 8_192);
});

function plainJob(): TracedJob {
  const nothing = { jobId: undefined, traceId: undefined, sentAt: undefined, fetchedAt: undefined };
  return { ...nothing, documentTypes: [], documentCount: 0 };
}

test("retries, losses and clocks that are wrong make honest spans", async (t) => {
  const collector = await startCollector(t);
  const means = await openTracing(
    { url: `${collector.url}/v1/traces`, serviceName: "mill" },
    { logger: silentLogger },
  );
  const now = BigInt(Date.now()) * 1_000_000n;
  // A client whose clock is an hour ahead, and one that sent its job in 1970.
  const sentAt = new Map<object, bigint>();
  const observer = new SpanObserver<object>(means, (origin) => {
    return { ...plainJob(), sentAt: sentAt.get(origin), fetchedAt: now };
  });
  const [ahead, ancient, lost] = [{}, {}, {}];
  sentAt.set(ahead, now + 3_600_000_000_000n).set(ancient, 0n);
  const attempt = { stage: "grind", startedAt: now, durationMs: 2.5 };
  observer.jobFetched(ahead);
  const error = Object.assign(new Error(SECRET), { name: `evil ${SECRET}` });
  observer.stageEnded({ ...attempt, origin: ahead, outcome: "retried", attempt: 1, error });
  observer.stageEnded({ ...attempt, origin: ahead, outcome: "processed", attempt: 2 });
  observer.stageEnded({ ...attempt, origin: {}, outcome: "processed", attempt: 1 });
  observer.jobEnded({ origin: ahead, outcome: "processed", durationMs: 3 });
  observer.jobFetched(ancient);
  observer.jobEnded({ origin: ancient, outcome: "undelivered", durationMs: 3 });
  observer.jobFetched(lost);
  observer.jobEnded({ origin: lost, outcome: "lost", durationMs: 3 });
  observer.jobEnded({ origin: lost, outcome: "lost", durationMs: 3 });
  await means.stop({ timeoutMs: 20_000 });
  const told = collector.spans.map(({ name, isError, attributes }) => [
    name,
    isError,
    attributes["millrace.attempt"] ?? attributes["millrace.outcome"],
  ]);
  expect(told).toEqual([
    ["stage grind", true, 1],
    ["stage grind", false, 2],
    ["result", false, undefined],
    ["job", false, "processed"],
    ["result", true, undefined],
    ["job", true, "undelivered"],
    ["job", true, "lost"],
  ]);
  const [retried] = collector.spans;
  expect(retried?.endNs).toBe(now + 2_500_000n);
  expect(retried?.attributes["error.type"]).toBe("Error");
  expect(collector.spans.every(({ startNs }) => startNs >= now)).toBe(true);
  expect(collector.bodies.join()).not.toMatch(SECRET);
});
