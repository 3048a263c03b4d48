/**
 * Goal: what a running pipeline and its broker do is what Prometheus reads, over real HTTP.
 * Method: a server with jobs that succeed, fail and cannot be opened; a pipeline whose only loop
 * hangs, and one whose broker goes away.
 */
import { expect, test } from "vitest";
import { createClient } from "../../src/client/index.js";
import { silentLogger } from "../../src/core/index.js";
import { createJob, encodeJob, extractTask, parseResult } from "../../src/message/index.js";
import type { PipelineObserver } from "../../src/pipeline/index.js";
import { LocalPipeline, LocalServer } from "../../src/runtime/index.js";
import { HealthChecks, Metrics, MetricsServer } from "../../src/telemetry/index.js";
import { until } from "../../src/testing/index.js";
import { getText } from "../helpers/http.js";
import { deferred, startBench } from "../helpers/pipeline-bench.js";
import { parsePrometheusText, type Scrape, seriesKey } from "../helpers/prometheus-text.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";

const QUEUE = "ingest_task_queue";
const ODD_STAGE = 'a"b\n';

async function scrape(url: string): Promise<Scrape> {
  const { status, text } = await getText(url);
  expect(status).toBe(200);
  return parsePrometheusText(text);
}

/** Serves the metrics and the health of one pipeline built by hand. */
async function watch(t: Cleanup, metrics: Metrics, health: HealthChecks): Promise<string> {
  const options = { host: "127.0.0.1", port: 0, allowRemote: false };
  const server = new MetricsServer(options, { metrics, health }, { logger: silentLogger });
  await server.start();
  t.onTestFinished(() => server.stop());
  return `http://127.0.0.1:${server.port}`;
}

test("jobs, stages, queues and the broker of a server are told", async (t) => {
  const queues = { scans: { settle: "on-result" } } as const;
  const server = new LocalServer({ broker: { port: 0, queues }, metrics: { port: 0 } });
  await server.start();
  t.onTestFinished(() => server.stop());
  const client = createClient({ clientType: "simple", host: "127.0.0.1", port: server.port });
  t.onTestFinished(() => client.close());
  const statusOf = async (job: string) => {
    const { transactionId } = await client.submitMessage(QUEUE, job, { forNvIngest: true });
    return parseResult((await client.fetchMessage(transactionId)) as string).status;
  };
  const jobOf = (name: string, type: string) => {
    const tasks = [extractTask({ documentType: type })];
    return encodeJob(createJob({ documents: [{ name, content: "QUFB" }], tasks }));
  };
  expect(await statusOf(jobOf("a.txt", "text"))).toBe("success");
  expect(await statusOf(jobOf("a.txt", "text"))).toBe("success");
  expect(await statusOf(jobOf("a.pdf", "pdf"))).toBe("failed");
  expect(await statusOf('{"job_id": ""}')).toBe("failed");
  await client.submitMessage("scans", "waits");
  await until("all jobs are settled", () => server.getStats().pipeline?.inFlight === 0);
  const { values, families } = await scrape(server.metricsUrl as string);
  const of = (name: string, labels = {}) => values.get(seriesKey(name, labels));
  expect(of("millrace_jobs_total", { outcome: "processed" })).toBe(2);
  expect(of("millrace_jobs_total", { outcome: "failed" })).toBe(2);
  expect(of("millrace_job_duration_seconds_count", { outcome: "processed" })).toBe(2);
  expect(of("millrace_jobs_in_flight")).toBe(0);
  const attempts = (stage: string, outcome: string) =>
    of("millrace_stage_attempts_total", { stage, outcome });
  expect(attempts("metadata_injector", "processed")).toBe(3);
  expect(attempts("pdf_extractor", "failed")).toBe(1);
  expect(attempts("pdf_extractor", "skipped")).toBe(2);
  expect(attempts("html_extractor", "processed")).toBe(0);
  expect(of("millrace_stage_duration_seconds_count", { stage: "pdf_extractor" })).toBe(1);
  expect(of("millrace_source_invalid_total")).toBe(1);
  expect(of("millrace_sink_results_total", { outcome: "failed" })).toBe(2);
  expect(of("millrace_thread_tasks_total", { outcome: "failed" })).toBe(1);
  expect(of("millrace_broker_jobs_total", { event: "accepted" })).toBe(4);
  expect(of("millrace_broker_open_jobs")).toBe(0);
  expect(of("millrace_queue_ready", { queue: QUEUE })).toBe(0);
  expect(of("millrace_queue_ready", { queue: "scans" })).toBe(1);
  expect(of("millrace_queue_oldest_age_seconds", { queue: "scans" })).toBeGreaterThanOrEqual(0);
  expect(of("process_resident_memory_bytes")).toBeGreaterThan(0);
  for (const [name, { help }] of families) expect(help, name).toMatch(/\.$/);
  // Nothing that a client chose stands in the text.
  expect([...values.keys()].join()).not.toMatch(/a\.pdf|a\.txt|[0-9a-f]{8}-[0-9a-f]{4}/);
});

test("a stage may be called anything", async (t) => {
  const metrics: Metrics = new Metrics({ pipeline: () => bench.pipeline.getStats() });
  const bench = await startBench(t, "memory", {
    stages: [{ name: ODD_STAGE, process: (message) => message }],
    observer: metrics.observer as PipelineObserver,
  });
  const url = await watch(t, metrics, new HealthChecks({ livenessMs: 1 }));
  await bench.submit("grain");
  await bench.pipeline.run({ maxMessages: 1 });
  const { values } = await scrape(`${url}/metrics`);
  const labels = { stage: ODD_STAGE, outcome: "processed" };
  expect(values.get(seriesKey("millrace_stage_attempts_total", labels))).toBe(1);
});

test("a pipeline whose only loop hangs is not live until it goes on", async (t) => {
  const hung = deferred();
  const bench = await startBench(t, "memory", {
    processingFunctions: [
      async function hang(message) {
        await hung.promise;
        return message;
      },
    ],
  });
  const pipeline = () => bench.pipeline.getStats();
  const health = new HealthChecks({ pipeline, livenessMs: 250 });
  const url = await watch(t, new Metrics({ pipeline }), health);
  const live = () => getText(`${url}/health/live`);
  expect((await live()).status).toBe(200);
  await bench.pipeline.start();
  await bench.submit("grain");
  await until("the job hangs", () => pipeline().inFlight === 1);
  let answer = await live();
  while (answer.status === 200) answer = await live();
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.text)).toMatchObject({
    status: "not live",
    reason: expect.stringContaining("took and asked for no work in"),
    idleMs: expect.any(Number),
  });
  hung.resolve();
  while (answer.status !== 200) answer = await live();
  expect(JSON.parse(answer.text).status).toBe("live");
});

test("a pipeline is ready while its broker answers", async (t) => {
  const broker = await startBroker(t);
  const brokerClient = { host: "127.0.0.1", port: broker.port, maxRetries: 0 };
  const pipeline = new LocalPipeline({ brokerClient, metrics: { port: 0 } });
  await pipeline.start();
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  const url = (pipeline.metricsUrl as string).replace("/metrics", "/health/ready");
  expect((await getText(url)).status).toBe(200);
  await broker.stop();
  let answer = await getText(url);
  while (answer.status === 200) answer = await getText(url);
  expect(JSON.parse(answer.text)).toMatchObject({ status: "not ready" });
});

test("a server that cannot serve its metrics does not start, and leaves nothing behind", async (t) => {
  const first = new LocalServer({ broker: { port: 0 }, metrics: { port: 0 } });
  await first.start();
  t.onTestFinished(() => first.stop());
  const port = Number(new URL(first.metricsUrl as string).port);
  const second = new LocalServer({ broker: { port: 0 }, metrics: { port } });
  await expect(second.start()).rejects.toMatchObject({ code: "TELEMETRY_PORT_TAKEN" });
  expect(second.state).toBe("failed");
  const third = new LocalServer({ broker: { port: first.port }, metrics: { port: 0 } });
  await expect(third.start()).rejects.toMatchObject({ code: "BROKER_PORT_TAKEN" });
  expect(third.metricsUrl).toBeUndefined();
});

test("without a port nothing is served", async (t) => {
  const server = new LocalServer({ broker: { port: 0 } });
  await server.start();
  t.onTestFinished(() => server.stop());
  expect(server.metricsUrl).toBeUndefined();
});
