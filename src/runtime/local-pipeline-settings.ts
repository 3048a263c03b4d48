/** Options of a pipeline with its source, its sink and its threads: everything but the broker. */
import { z } from "zod";
import { PipelineSettings } from "../pipeline/index.js";
import { MessageBrokerTaskSinkConfig } from "../sinks/index.js";
import { MessageBrokerTaskSourceConfig } from "../sources/index.js";
import { StageSettings, UdfSettings } from "../stages/index.js";
import { WorkerPoolOptions } from "../workers/index.js";
import { CheckpointSettings } from "./checkpoints/checkpoint-options.js";

const CONCURRENCY_MIN = 4;

/** Two jobs per thread, so that no thread waits for its next job to be opened. */
function defaultConcurrency(): number {
  return Math.max(CONCURRENCY_MIN, 2 * WorkerPoolOptions.parse({}).maxThreads);
}

const { taskQueue, leaseMs, strictSchema } = MessageBrokerTaskSourceConfig.shape;

export const LocalPipelineSettings = z.strictObject({
  taskQueue,
  ...PipelineSettings.shape,
  concurrency: PipelineSettings.shape.concurrency
    .unwrap()
    .default(defaultConcurrency)
    .meta({ description: "Jobs in work at a time.", defaultText: "twice the threads, at least 4" }),
  leaseMs,
  strictSchema,
  maxResultBytes: MessageBrokerTaskSinkConfig.shape.maxResultBytes,
  workers: WorkerPoolOptions.pick({ maxThreads: true, maxHeapMb: true }).prefault({}),
  ...StageSettings.shape,
  udf: UdfSettings.prefault({}),
  checkpoints: CheckpointSettings.prefault({}),
});
export type LocalPipelineSettings = z.input<typeof LocalPipelineSettings>;

/** Those that the engine itself takes; what else there is, is left out. */
export const EngineSettings = z.object(PipelineSettings.shape);
/** Those of the built-in stages. */
export const BuiltInSettings = z.object(StageSettings.shape);
