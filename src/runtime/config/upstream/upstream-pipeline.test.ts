// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the form under test
/**
 * Goal: a pipeline file of upstream's form is recognised and becomes a pipeline of ours: what exists here
 * is mapped, what does not is told and bridged. Method: a file of that form, written for this test from
 * its described members and values; nothing in it is copied.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { temporaryFolder } from "../../../../test/helpers/temporary-folder.js";
import { fileFaultText } from "../named-pipeline.js";
import { tryPipelineFile } from "../read-pipeline-file.js";
import type { Environment } from "../text/substitute.js";
import { concurrencyOf } from "./upstream-replicas.js";

const FILE = `
name: default
description: a file of the other form
stages:
  - name: source_stage
    type: source
    phase: 0
    actor: "org.stages.sources.message_broker_task_source:Source"
    config:
      broker_client:
        client_type: $MESSAGE_CLIENT_TYPE|redis
        host: $MESSAGE_CLIENT_HOST|redis
        port: $MESSAGE_CLIENT_PORT|6379
      task_queue: ingest_task_queue
      poll_interval: 0.1
    replicas: {min_replicas: 1, max_replicas: 1, static_replicas: 1}
  - name: metadata_injector
    type: stage
    phase: 0
    actor: "org.stages.injectors.metadata_injector:Injector"
    config: {}
    replicas: {min_replicas: 0, max_replicas: 1, static_replicas: 1}
  - name: pdf_extractor
    phase: 1
    actor: "org.stages.extractors.pdf_extractor:PdfStage"
    config:
      pdfium_config:
        auth_token: $NGC_API_KEY|$NVIDIA_API_KEY
        yolox_endpoints: [$YOLOX_GRPC_ENDPOINT|"page-elements:8001", "$YOLOX_HTTP_ENDPOINT|x"]
    replicas:
      min_replicas: 0
      max_replicas: {strategy: memory_thresholding, memory_per_replica_mb: 10000, limit: 16}
      static_replicas: {strategy: memory_static_global_percent, memory_per_replica_mb: 10000, limit: 16}
    runs_after: [metadata_injector]
  - name: audio_extractor
    phase: 1
    actor: "org.stages.extractors.audio_extractor:AudioStage"
    replicas: {cpu_count_min: 0, cpu_count_max: 2}
    runs_after: [pdf_extractor]
  - name: docx_extractor
    phase: 1
    actor: "org.stages.extractors.docx_extractor:DocxStage"
    replicas: {min_replicas: 0, max_replicas: 2, static_replicas: {strategy: static, value: 1}}
    runs_after: [audio_extractor]
  - name: html_extractor
    phase: 1
    actor: "org.stages.extractors.html_extractor:HtmlStage"
    enabled: false
  - name: image_filter
    phase: 3
    callable: "org.transforms:filter_images"
    task_filters: [filter]
  - name: broker_response
    type: sink
    phase: 5
    actor: "org.stages.sinks.message_broker_task_sink:Sink"
    config:
      broker_client: {client_type: $MESSAGE_CLIENT_TYPE|redis, host: $MESSAGE_CLIENT_HOST|localhost, port: $MESSAGE_CLIENT_PORT|6379}
  - name: otel_tracer
    phase: 6
    actor: "org.stages.telemetry.otel_tracer:Tracer"
    config: {otel_endpoint: "\${OTEL_EXPORTER_OTLP_ENDPOINT|http://localhost:4317}"}
  - name: default_drain
    type: sink
    phase: 7
    actor: "org.stages.sinks.default_drain:Drain"
edges:
  - {from: source_stage, to: metadata_injector, queue_size: 32}
  - {from: metadata_injector, to: pdf_extractor, queue_size: 16}
  - {from: pdf_extractor, to: audio_extractor, queue_size: 32}
  - {from: audio_extractor, to: docx_extractor, queue_size: 8}
  - {from: docx_extractor, to: html_extractor}
  - {from: html_extractor, to: image_filter, queue_size: 32}
  - {from: image_filter, to: broker_response, queue_size: 32}
  - {from: broker_response, to: otel_tracer, queue_size: 32}
  - {from: otel_tracer, to: default_drain, queue_size: 32}
pipeline:
  disable_dynamic_scaling: $INGEST_DISABLE_DYNAMIC_SCALING|false
  dynamic_memory_threshold: 0.75
  pid_controller: {kp: 0.2}
  launch_simple_broker: $INGEST_LAUNCH_SIMPLE_BROKER|false
`;

async function read(t: TestContext, text: string, environment: Environment = {}) {
  const file = join(await temporaryFolder(t), "default_pipeline.yaml");
  await writeFile(file, text);
  const { pipeline, faults } = await tryPipelineFile(file, environment);
  const told = (each: (typeof faults)[number]) => fileFaultText({ ...each, file: "p" });
  return {
    definition: pipeline?.definition,
    faults: faults.map(told),
    warnings: (pipeline?.warnings ?? []).map(told),
    pipeline,
  };
}

test("stages that exist here are mapped, in their order", async (t) => {
  const { definition, faults } = await read(t, FILE);
  expect(faults).toEqual([]);
  expect(definition).toMatchObject({
    name: "default",
    description: "a file of the other form",
    broker: "redis://redis:6379",
    taskQueue: "ingest_task_queue",
    edges: [],
  });
  expect(
    definition?.stages.map(({ name, use, enabled, config, runsAfter, inbox }) => [
      ...[name, use, enabled, config, runsAfter, inbox.maxMessages],
    ]),
  ).toEqual([
    ["metadata_injector", "metadata_injector", true, {}, [], 32],
    ["pdf_extractor", "pdf_extractor", true, {}, ["metadata_injector"], 16],
    ["docx_extractor", "docx_extractor", true, {}, ["pdf_extractor"], 8],
    ["html_extractor", "html_extractor", false, {}, [], 100],
  ]);
});

test("replicas become a concurrency", async (t) => {
  const counts = async (environment: Environment) =>
    (await read(t, FILE, environment)).definition?.stages.map(({ concurrency }) => concurrency);
  const [injector, , docx, html] = (await counts({})) ?? [];
  expect(injector).toEqual({ min: 1, max: 1 });
  expect(docx).toEqual({ min: 1, max: 2 });
  expect(html).toBeUndefined();
  const fixed = (await counts({ INGEST_DISABLE_DYNAMIC_SCALING: "true" })) ?? [];
  expect(fixed[0]).toBe(1);
  expect(fixed[2]).toBe(1);
});

/** The line of the file at which a text stands first. */
const lineOf = (text: string) => FILE.slice(0, FILE.indexOf(text)).split("\n").length;

test("what is not available is listed with its place", async (t) => {
  const { warnings } = await read(t, FILE, { INGEST_LAUNCH_SIMPLE_BROKER: "true" });
  const missing = (name: string, actor: string) =>
    `stage "${name}" (${actor}) is not available here: jobs go by where it stood`;
  expect(warnings).toEqual([
    `p:${lineOf("pdfium_config")}:7: stages[2].config: ` +
      'stage "pdf_extractor": its options are not available here: pdfium_config',
    `p:${lineOf("- name: audio_extractor")}:5: stages[3]: ` +
      missing("audio_extractor", "org.stages.extractors.audio_extractor:AudioStage"),
    `p:${lineOf("- name: image_filter")}:5: stages[6]: ` +
      missing("image_filter", "org.transforms:filter_images"),
    `p:${lineOf("host: $MESSAGE_CLIENT_HOST|localhost")}:22: stages[7].config.broker_client: ` +
      "results go to the broker of the source (redis://redis:6379), not to redis://localhost:6379",
    expect.stringMatching(/stages\[8\]: stage "otel_tracer" .*OTLP endpoint is configured$/),
    expect.stringMatching(/"dynamic_memory_threshold" is not available here$/),
    expect.stringMatching(/"pid_controller" is not available here$/),
    expect.stringMatching(/"launch_simple_broker" has no effect: .millrace serve/),
  ]);
});

test("its variables are put in, and known as origins", async (t) => {
  const environment = {
    MESSAGE_CLIENT_TYPE: "simple",
    MESSAGE_CLIENT_HOST: "127.0.0.1",
    MESSAGE_CLIENT_PORT: "7671",
  };
  const { definition, pipeline, warnings } = await read(t, FILE, environment);
  expect(definition?.broker).toBe("simple://127.0.0.1:7671");
  expect(warnings.join()).not.toContain("results go to");
  expect(pipeline?.places?.get(["taskQueue"])).toMatchObject({
    value: { line: lineOf("task_queue:") },
  });
  expect(pipeline?.places?.get(["stages", 2, "use"])).toMatchObject({
    value: { line: lineOf("org.stages.extractors.docx_extractor") },
  });
});

test("a branch stays one, with what is missing bridged", async (t) => {
  const text = `
stages:
  - {name: in, type: source, actor: "a.b:Source"}
  - {name: metadata_injector, actor: "a.metadata_injector:S"}
  - {name: missing, actor: "a.missing:S"}
  - {name: pdf_extractor, actor: "a.pdf_extractor:S"}
  - {name: html, actor: "a.html_extractor:S", runs_after: [in, missing]}
  - {name: own, callable: "./own.js#own", config: {x: 1}}
  - {name: out, type: sink, actor: "a.message_broker_task_sink:S"}
edges:
  - {from: in, to: metadata_injector}
  - {from: metadata_injector, to: missing}
  - {from: missing, to: pdf_extractor}
  - {from: missing, to: html}
  - {from: html, to: own}
  - {from: own, to: out}
`;
  const { definition } = await read(t, text);
  expect(definition?.edges).toEqual([
    { from: "source", to: "metadata_injector" },
    { from: "metadata_injector", to: "pdf_extractor" },
    { from: "metadata_injector", to: "html" },
    { from: "html", to: "own" },
    { from: "own", to: "sink" },
  ]);
  expect(definition?.stages[2]).toMatchObject({ use: "html_extractor", runsAfter: ["source"] });
  expect(definition?.stages[3]).toMatchObject({ use: "./own.js#own", config: { x: 1 } });
});

test("faults of the form have their place in the file", async (t) => {
  const { faults } = await read(
    t,
    FILE.replace("replicas: {cpu_count_min: 0", "replica: {cpu_count_min: 0"),
  );
  expect(faults).toEqual([
    `p:${lineOf("replicas: {cpu_count_min")}:5: stages[3]: unknown key "replica", did you mean "replicas"?`,
  ]);
});

test("faults of what was made of it have theirs, too", async (t) => {
  const text = FILE.replace(
    "runs_after: [audio_extractor]",
    "runs_after: [audio_extracter]",
  ).replace(
    "{from: docx_extractor, to: html_extractor}",
    "{from: docx_extractor, to: htm_extractor}",
  );
  const { faults } = await read(t, text);
  expect(faults).toEqual([
    `p:${lineOf("runs_after: [audio_extractor]")}:18: stages[4].runs_after[0]: ` +
      'there is no stage "audio_extracter", did you mean "pdf_extractor"?',
    `p:${lineOf("{from: docx_extractor")}:32: edges[4].to: ` +
      'there is no stage "htm_extractor", did you mean "html_extractor"?',
  ]);
});

test("a file of ours is not taken for one", async (t) => {
  const { faults } = await read(t, "stages:\n  - use: pdf_extractor\n    actor: a.b:C\n");
  expect(faults).toEqual(['p:3:5: stages[0]: unknown key "actor"']);
});

describe("counts of replicas", () => {
  const machine = { cores: 8, memoryBytes: 64 * 2 ** 30 };
  test.each([
    [{}, { min: 1, max: 1 }, 1],
    [{ cpu_count_min: 2, cpu_count_max: 4 }, { min: 2, max: 4 }, 4],
    [{ cpu_percent_min: 0.25, cpu_percent_max: 0.5 }, { min: 2, max: 4 }, 4],
    [{ min_replicas: 0, max_replicas: 3, static_replicas: 2 }, { min: 1, max: 3 }, 2],
    [{ min_replicas: 5, max_replicas: 3 }, { min: 5, max: 5 }, 3],
    [{ max_replicas: { strategy: "static", value: 6 } as const }, { min: 1, max: 6 }, 6],
    [
      { max_replicas: { strategy: "cpu_percentage", cpu_percent: 0.9, limit: 5 } as const },
      { min: 1, max: 5 },
      5,
    ],
    [
      { max_replicas: { strategy: "cpu_percentage", cpu_percent: 0.01 } as const },
      { min: 1, max: 1 },
      1,
    ],
    [
      {
        max_replicas: { strategy: "memory_thresholding", memory_per_replica_mb: 10_000 } as const,
        static_replicas: {
          strategy: "memory_static_global_percent",
          memory_per_replica_mb: 10_000,
        } as const,
      },
      { min: 1, max: 5 },
      4,
    ],
    [{ max_replicas: 50_000 }, { min: 1, max: 10_000 }, 10_000],
  ])("%j", (replicas, dynamic, fixed) => {
    expect(concurrencyOf(replicas, true, machine)).toEqual(dynamic);
    expect(concurrencyOf(replicas, false, machine)).toBe(fixed);
  });
});
