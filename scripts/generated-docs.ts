/** The pages of docs/ that are printed from the code: the tables of errors, the schemas of options. */
import { z } from "zod";
import {
  BrokerParamsRedis,
  MemoryClientConfig,
  RedisClientConfig,
  SimpleClientConfig,
} from "../src/client/index.js";
import { errorTable } from "../src/core/index.js";
import { SimpleMessageBrokerOptions } from "../src/runtime/index.js";
import "../src/message/index.js";
import { PipelineSettings, RunOptions, StopOptions } from "../src/pipeline/index.js";
import "../src/cli/errors.js";
import {
  EdgeDefinition,
  IngestOptions,
  LocalPipelineSettings,
  LocalServerOptions,
  PipelineDefinition,
  StageDefinition,
  TelemetryOptions,
} from "../src/runtime/index.js";
import { MessageBrokerTaskSinkConfig } from "../src/sinks/index.js";
import { MessageBrokerTaskSourceConfig } from "../src/sources/index.js";
import { ExtractOptions } from "../src/stages/index.js";
import { WorkerPoolOptions } from "../src/workers/index.js";

const NOTE = "<!-- Printed by `npm run docs`. Edit the code, not this page. -->";

const KINDS = {
  input: "the data or the options are wrong",
  limit: "too big, too many, full or shutting down",
  transport: "a connection is lost; delivery may be unknown",
  state: "called at the wrong time",
  stage: "a step of the pipeline failed",
  internal: "a fault of Millrace",
} as const;

/** docs/errors.md */
export function errorsPage(): string {
  const rows = [...errorTable].sort((a, b) => a.code.localeCompare(b.code));
  const kinds = Object.entries(KINDS).map(([kind, meaning]) => `| \`${kind}\` | ${meaning} |`);
  const sections = rows.map(
    ({ code, kind, retry, about }) =>
      `## ${code}\n\n${about}\n\nKind \`${kind}\`; trying again later ${retry ? "can" : "does not"} help.\n`,
  );
  return [
    `# Errors\n\n${NOTE}\n`,
    "Every error of Millrace is a `MillraceError` with `code`, `kind`, `retry`, `message`, `details` and often",
    "`cause`. The code is stable, the message is prose. Match `error.code`; `hasCode(error, code)` does.\n",
    `| kind | meaning |\n| --- | --- |\n${kinds.join("\n")}\n`,
    ...sections,
  ].join("\n");
}

const SCHEMAS: readonly (readonly [title: string, used: string, schema: z.ZodType])[] = [
  [
    "SimpleMessageBrokerOptions",
    "`new SimpleMessageBroker()`, `startSimpleMessageBroker()`, `millrace broker`, `millrace serve`",
    SimpleMessageBrokerOptions,
  ],
  ["SimpleClientConfig", "`new SimpleClient()`, `brokerClient`", SimpleClientConfig],
  ["MemoryClientConfig", "`new MemoryClient()`, `brokerClient`", MemoryClientConfig],
  ["RedisClientConfig", "`brokerClient`; not available in this version", RedisClientConfig],
  ["BrokerParamsRedis", "`brokerParams` of RedisClientConfig", BrokerParamsRedis],
  [
    "MessageBrokerTaskSourceConfig",
    "`new MessageBrokerTaskSource()`",
    MessageBrokerTaskSourceConfig,
  ],
  ["MessageBrokerTaskSinkConfig", "`new MessageBrokerTaskSink()`", MessageBrokerTaskSinkConfig],
  ["PipelineSettings", "`new Pipeline()`, beside its parts", PipelineSettings],
  ["RunOptions", "`pipeline.run()`", RunOptions],
  ["StopOptions", "`pipeline.stop()`", StopOptions],
  ["WorkerPoolOptions", "the threads of the local stages", WorkerPoolOptions],
  ["ExtractOptions", "the local stages", ExtractOptions],
  [
    "LocalPipelineSettings",
    "`new LocalPipeline()`, `millrace pipeline`, beside `workers` (WorkerPoolOptions) and `extract` (ExtractOptions)",
    LocalPipelineSettings.omit({ workers: true, extract: true }),
  ],
  [
    "LocalServerOptions",
    "`new LocalServer()`, `millrace serve`, beside `broker` (SimpleMessageBrokerOptions) and `pipeline` (LocalPipelineSettings)",
    LocalServerOptions.pick({ stopTimeoutMs: true }),
  ],
  [
    "TelemetryOptions",
    "`new LocalPipeline()`, `new LocalServer()`, `millrace pipeline`, `millrace serve`; `metrics` also by `millrace broker`",
    TelemetryOptions,
  ],
  [
    "PipelineDefinition",
    "a pipeline file and `definePipeline()`, beside LocalPipelineSettings with `workers` (WorkerPoolOptions) and `extract` (ExtractOptions), and TelemetryOptions",
    PipelineDefinition.pick({
      ...{ name: true, description: true, broker: true, plugins: true },
      ...{ udf: true, stages: true, edges: true },
    }),
  ],
  ["StageDefinition", "`stages` of a PipelineDefinition", StageDefinition],
  ["EdgeDefinition", "`edges` of a PipelineDefinition", EdgeDefinition],
  ["IngestOptions", "`ingestDocuments()`, `millrace ingest`", IngestOptions],
];

/** docs/configuration.md */
export function configurationPage(): string {
  const sections = SCHEMAS.map(
    ([title, used, schema]) =>
      `## ${title}\n\nUsed by ${used}.\n\n| option | type | default | meaning |\n| --- | --- | --- | --- |\n` +
      `${optionRows(schema).join("\n")}\n`,
  );
  return [
    `# Configuration\n\n${NOTE}\n`,
    "Unknown options are errors that name the nearest known one. On the command line most are flags:",
    "`brokerParams.maxQueueSize` is `--max-queue-size`, and `MILLRACE_MAX_QUEUE_SIZE` in the environment. `--help` of a",
    "command lists the ones that it has.\n",
    ...sections,
  ].join("\n");
}

interface Property {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly defaultText?: string;
  /** For types that JSON has not. */
  readonly typeText?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Property>>;
}

function optionRows(schema: z.ZodType, prefix = ""): string[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Property;
  return propertyRows(json, prefix);
}

function propertyRows({ properties = {} }: Property, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const nested = Object.keys(property.properties ?? {}).length > 0;
    if (nested) return propertyRows(property, `${prefix}${name}.`);
    const { description = "" } = property;
    return `| \`${prefix}${name}\` | ${typeText(property)} | ${defaultText(property)} | ${description} |`;
  });
}

function typeText(property: Property): string {
  const { type, minimum, maximum, enum: values, const: only } = property;
  if (property.typeText !== undefined) return property.typeText;
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  const isBounded = (bound: number | undefined) => Math.abs(bound ?? Infinity) < 2 ** 52;
  const from = isBounded(minimum) ? `, from ${minimum?.toLocaleString("en")}` : "";
  const to = isBounded(maximum) ? `, to ${maximum?.toLocaleString("en")}` : "";
  return `${type ?? "object"}${from}${to}`;
}

function defaultText(property: Property): string {
  if (property.defaultText !== undefined) return property.defaultText;
  const { default: value } = property;
  if (value === undefined || (typeof value === "object" && value !== null)) return "";
  // Grouping helps in long numbers and misleads in ports.
  const isLong = typeof value === "number" && value >= 10_000;
  return isLong ? value.toLocaleString("en") : `\`${JSON.stringify(value)}\``;
}
