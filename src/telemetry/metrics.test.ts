// Goal: what is told is what holds, in the format that Prometheus reads, whatever names things have.
// Method: stats of the shapes that pipelines and brokers have, read back by a strict parser.
import { expect, test } from "vitest";
import { parsePrometheusText, seriesKey } from "../../test/helpers/prometheus-text.js";
import type { BrokerFacts, PipelineFacts } from "./facts.js";
import { Metrics } from "./metrics.js";

const NASTY = 'a"b\\n\n{c="d"},';

function pipelineFacts(more: Partial<PipelineFacts> = {}): PipelineFacts {
  const source = { messageCount: 5, invalidCount: 1, unanswerableCount: 0, fetchErrorCount: 2 };
  const sink = { messageCount: 4, failedCount: 1, bytesSent: 99, undeliverableCount: 0 };
  const stages = { [NASTY]: { inFlight: 3, waiting: 7, waitingBytes: 8, concurrency: 9 } };
  return { running: true, inFlight: 2, source, sink, stages, ...more };
}

const BROKER: BrokerFacts = {
  ...{ running: true, connections: 1, queues: 2, ready: 3, inFlight: 4, waiters: 5, heldBytes: 6 },
  ...{ stored: 7, delivered: 8, duplicates: 9, dropped: 10 },
  ...{ requestsRefused: 1, pushesRefused: 2, framesRefused: 3, acksRefused: 4 },
  connectionsRefused: 5,
  store: { storedBytes: 11, liveBytes: 12, damagedRecords: 13, isFull: true },
  jobs: undefined,
};

const scrape = async (metrics: Metrics) => parsePrometheusText(await metrics.text());

test("numbers of a pipeline are read when they are asked for", async () => {
  let facts: PipelineFacts | undefined;
  const metrics = new Metrics({ pipeline: () => facts });
  const before = await scrape(metrics);
  expect(before.values.has("millrace_jobs_in_flight")).toBe(false);
  expect(before.families.get("millrace_jobs_in_flight")?.type).toBe("gauge");
  facts = pipelineFacts({ idleSeconds: 1.5, bytesInFlight: 123 });
  const { values } = await scrape(metrics);
  const stage = NASTY;
  const told: [string, number | undefined][] = [
    ["millrace_pipeline_running", 1],
    ["millrace_jobs_in_flight", 2],
    ["millrace_in_flight_bytes", 123],
    ["millrace_idle_seconds", 1.5],
    [seriesKey("millrace_stage_in_flight", { stage }), 3],
    [seriesKey("millrace_stage_waiting", { stage }), 7],
    [seriesKey("millrace_stage_waiting_bytes", { stage }), 8],
    [seriesKey("millrace_stage_concurrency_limit", { stage }), 9],
    ["millrace_source_fetch_errors_total", 2],
    [seriesKey("millrace_sink_results_total", { outcome: "success" }), 3],
    [seriesKey("millrace_sink_results_total", { outcome: "failed" }), 1],
    // What a sink or an engine does not tell is left out, not zero.
    ["millrace_sink_late_total", undefined],
    ["millrace_threads", undefined],
  ];
  expect(told.map(([name]) => [name, values.get(name)])).toEqual(told);
});

test("a counter that began anew is told as it is", async () => {
  let facts = pipelineFacts();
  const metrics = new Metrics({ pipeline: () => facts });
  await metrics.text();
  facts = pipelineFacts({ source: { messageCount: 1 } });
  expect((await scrape(metrics)).values.get("millrace_source_messages_total")).toBe(1);
});

test("of several sources and sinks all count, and one that tells nothing takes nothing away", async () => {
  const { source, sink } = pipelineFacts();
  const sources = { a: source, b: { messageCount: 7 } };
  const sinks = { reply: sink, index: {}, copy: { messageCount: 3, failedCount: 2 } };
  const { values } = await scrape(
    new Metrics({ pipeline: () => pipelineFacts({ sources, sinks }) }),
  );
  const results = (outcome: string) =>
    values.get(seriesKey("millrace_sink_results_total", { outcome }));
  expect(values.get("millrace_source_messages_total")).toBe(12);
  expect(values.get("millrace_source_invalid_total")).toBe(1);
  expect([results("success"), results("failed")]).toEqual([4, 3]);
  expect(values.get("millrace_sink_sent_bytes_total")).toBe(99);
  expect(values.has("millrace_sink_late_total")).toBe(false);
});

test("what a pipeline says of jobs and stages is counted and timed", async () => {
  const metrics = new Metrics({ pipeline: () => pipelineFacts() });
  const origin = { jobId: "never told" };
  const event = { origin, stage: NASTY, startedAt: 0n, attempt: 1 } as const;
  const { observer } = metrics;
  observer?.stageEnded?.({ ...event, outcome: "retried", durationMs: 40 });
  observer?.stageEnded?.({ ...event, outcome: "processed", durationMs: 2_000 });
  observer?.stageEnded?.({ ...event, outcome: "skipped", durationMs: 0 });
  observer?.jobEnded?.({ origin, outcome: "processed", durationMs: 2_100 });
  const { values } = await scrape(metrics);
  const attempts = (outcome: string) =>
    values.get(seriesKey("millrace_stage_attempts_total", { stage: NASTY, outcome }));
  expect(["retried", "processed", "skipped", "failed"].map(attempts)).toEqual([1, 1, 1, 0]);
  const duration = "millrace_stage_duration_seconds";
  const atMost = (le: string) => values.get(seriesKey(`${duration}_bucket`, { stage: NASTY, le }));
  expect(["0.025", "0.05", "2.5", "+Inf"].map(atMost)).toEqual([0, 1, 2, 2]);
  expect(values.get(seriesKey(`${duration}_sum`, { stage: NASTY }))).toBeCloseTo(2.04);
  const jobs = (outcome: string) => values.get(seriesKey("millrace_jobs_total", { outcome }));
  expect(["processed", "failed", "undelivered", "lost"].map(jobs)).toEqual([1, 0, 0, 0]);
  expect([...values.keys()].join()).not.toMatch("never told");
});

test("secrets in the address of an endpoint are not told, and the worst state counts", async () => {
  const circuits = {
    "https://user:secret@models.example/v1/embed?key=secret": "closed",
    "https://models.example/v1/embed?key=other": "open",
    "grpc-host:9000": "half-open",
    constructor: "open",
  };
  const metrics = new Metrics({ pipeline: () => pipelineFacts({ circuits }) });
  const text = await metrics.text();
  expect(text).not.toMatch("secret");
  const { values } = parsePrometheusText(text);
  const state = (endpoint: string) => values.get(seriesKey("millrace_circuit_state", { endpoint }));
  expect(state("https://models.example/v1/embed")).toBe(2);
  expect(state("grpc-host:9000")).toBe(1);
  expect(state("constructor")).toBe(2);
});

test("a broker and single queues of it are told", async () => {
  const queues = {
    [NASTY]: { ready: 1, inFlight: 2, oldestAgeMs: 1_500 },
    empty: { ready: 0, inFlight: 0, oldestAgeMs: undefined },
  };
  const { values, families } = await scrape(
    new Metrics({ broker: () => BROKER, queues: () => queues }),
  );
  expect(values.get("millrace_broker_held_bytes")).toBe(6);
  expect(values.get(seriesKey("millrace_broker_refusals_total", { of: "ack" }))).toBe(4);
  expect(values.get("millrace_broker_store_full")).toBe(1);
  expect(values.has("millrace_broker_open_jobs")).toBe(false);
  const age = (queue: string) =>
    values.get(seriesKey("millrace_queue_oldest_age_seconds", { queue }));
  expect([age(NASTY), age("empty")]).toEqual([1.5, 0]);
  expect([...families.keys()].filter((name) => name.includes("stage"))).toEqual([]);
});

test("the process is told, and the delay of its loop only while metrics run", async () => {
  const metrics = new Metrics({});
  const lag = "millrace_event_loop_lag_max_seconds";
  const idle = await scrape(metrics);
  expect(idle.values.has(lag)).toBe(false);
  expect(idle.values.get("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(idle.values.get("process_cpu_seconds_total")).toBeGreaterThan(0);
  metrics.start();
  try {
    // The meter's own timer has to fire before it knows anything.
    for (;;) {
      const measured = (await scrape(metrics)).values.get(lag);
      if (measured !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    metrics.stop();
  }
  expect((await scrape(metrics)).values.has(lag)).toBe(false);
});

test("names without end are cut", async () => {
  const names = Array.from({ length: 3_000 }, (_, index) => [`q${index}`, 1] as const);
  const queues = Object.fromEntries(
    names.map(([name]) => [name, { ready: 1, inFlight: 0, oldestAgeMs: 1 }]),
  );
  const { values } = await scrape(new Metrics({ queues: () => queues }));
  const told = [...values.keys()].filter((name) => name.startsWith("millrace_queue_ready"));
  expect(told).toHaveLength(1_000);
});
