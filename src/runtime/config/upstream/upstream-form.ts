/**
 * The form of upstream's own pipeline file, as a schema: what may stand in it. Written from its described
 * members; knows nothing of what we make of them.
 */
import { z } from "zod";
import { isMap } from "../definition/stage-names.js";
import { UpstreamReplicas } from "./upstream-replicas.js";

const BrokerClient = z.looseObject({
  client_type: z.string().default("redis"),
  host: z.string().default("localhost"),
  port: z.union([z.int().min(1).max(65_535), z.null()]).optional(),
});
export type UpstreamBrokerClient = z.output<typeof BrokerClient>;

const UpstreamStage = z.strictObject({
  name: z.string().min(1),
  type: z.enum(["source", "stage", "sink"]).default("stage"),
  phase: z.union([z.int(), z.string()]).optional(),
  actor: z.string().nullish(),
  callable: z.string().nullish(),
  task_filters: z.array(z.unknown()).nullish(),
  enabled: z.boolean().default(true),
  config: z.record(z.string(), z.unknown()).nullish(),
  replicas: UpstreamReplicas.nullish(),
  runs_after: z.array(z.string()).default([]),
});
export type UpstreamStage = z.output<typeof UpstreamStage>;

const UpstreamEdge = z.strictObject({
  from: z.string(),
  to: z.string(),
  queue_size: z.int().min(1).default(100),
});

const Fraction = z.number().min(0).max(1);

export const UpstreamPipeline = z.strictObject({
  name: z.string().nullish(),
  description: z.string().nullish(),
  stages: z.array(UpstreamStage).max(1_000),
  edges: z.array(UpstreamEdge).max(10_000).default([]),
  pipeline: z
    .strictObject({
      disable_dynamic_scaling: z.boolean().default(false),
      dynamic_memory_threshold: Fraction.optional(),
      static_memory_threshold: Fraction.optional(),
      pid_controller: z.record(z.string(), z.unknown()).optional(),
      launch_simple_broker: z.boolean().default(false),
    })
    .nullish(),
});
export type UpstreamPipeline = z.output<typeof UpstreamPipeline>;

/** What the configuration of a source or sink says of its broker, if it says anything. */
export function brokerClientOf({ config }: UpstreamStage): UpstreamBrokerClient | undefined {
  const parsed = BrokerClient.safeParse(config?.broker_client);
  return parsed.success ? parsed.data : undefined;
}

/** Whether what was read is a file of that form: its stages name actors or callables. */
export function isUpstreamForm(given: unknown): boolean {
  if (!isMap(given) || !Array.isArray(given.stages)) return false;
  return given.stages.some(
    (stage: unknown) =>
      isMap(stage) && !("use" in stage) && ("actor" in stage || "callable" in stage),
  );
}
