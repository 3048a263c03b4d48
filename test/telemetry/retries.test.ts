/**
 * Goal: an attempt that is repeated is counted, timed and traced as one of several of the same job.
 * Method: a stage that fails transiently at first, its pipeline's metrics read as Prometheus would,
 * its spans sent to a collector.
 */
import { expect, test } from "vitest";
import { silentLogger } from "../../src/core/index.js";
import type { IngestControlMessage } from "../../src/message/index.js";
import {
  combineObservers,
  Metrics,
  openTracing,
  SpanObserver,
  type TracedJob,
} from "../../src/telemetry/index.js";
import { startCollector } from "../helpers/otlp-collector.js";
import { startBench } from "../helpers/pipeline-bench.js";
import { parsePrometheusText, seriesKey } from "../helpers/prometheus-text.js";

/** What an endpoint that is overloaded for a moment leaves behind. */
function away(): Error {
  return Object.assign(new Error("come again"), { code: "ECONNRESET" });
}

function describe({ jobId }: IngestControlMessage): TracedJob {
  const unknown = { traceId: undefined, sentAt: undefined, fetchedAt: undefined };
  return { jobId, ...unknown, documentTypes: ["text"], documentCount: 1 };
}

test("two repeated attempts and a good one are three attempts of one job", async (t) => {
  const collector = await startCollector(t);
  const url = `${collector.url}/v1/traces`;
  const tracing = await openTracing({ url, serviceName: "mill" }, { logger: silentLogger });
  const metrics: Metrics = new Metrics({ pipeline: () => bench.pipeline.getStats() });
  let attempts = 0;
  const stage = (message: IngestControlMessage) => {
    attempts++;
    if (attempts < 3) throw away();
    return message;
  };
  const bench = await startBench(t, "memory", {
    stages: [{ stage, name: "model", retry: { maxAttempts: 5, baseMs: 1, maxMs: 2 } }],
    observer: combineObservers(metrics.observer, new SpanObserver(tracing, describe)),
  });
  const jobId = await bench.submit("grain");
  await bench.pipeline.run({ maxMessages: 1 });
  expect((await bench.onlyResult(jobId)).status).toBe("success");

  const { values } = parsePrometheusText(await metrics.text());
  const counted = (outcome: string) =>
    values.get(seriesKey("millrace_stage_attempts_total", { stage: "model", outcome }));
  expect(["retried", "processed", "failed"].map(counted)).toEqual([2, 1, 0]);
  const durations = seriesKey("millrace_stage_duration_seconds_count", { stage: "model" });
  expect(values.get(durations)).toBe(3);
  expect(values.get(seriesKey("millrace_jobs_total", { outcome: "processed" }))).toBe(1);

  await tracing.stop({ timeoutMs: 20_000 });
  const stages = collector.spans.filter(({ name }) => name === "stage model");
  expect(
    stages.map(({ isError, attributes }) => [attributes["millrace.attempt"], isError]),
  ).toEqual([
    [1, true],
    [2, true],
    [3, false],
  ]);
  expect(stages[0]?.attributes["error.type"]).toBe("ECONNRESET");
  const job = collector.spans.find(({ name }) => name === "job");
  expect(job?.isError).toBe(false);
  expect(new Set(stages.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([job?.spanId]));
});
