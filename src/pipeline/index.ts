/** The pipeline: from a source through stages into a sink. Knows neither brokers nor bytes. */
export {
  CheckpointPlan,
  type CheckpointPlanStats,
  type CheckpointRun,
} from "./checkpoint/checkpoint-plan.js";
export { resumedBehind } from "./checkpoint/resumed-behind.js";
export type { CheckpointedStage, CheckpointStore } from "./checkpoints.js";
export { PipelineErrors } from "./errors.js";
export type { Edge } from "./graph.js";
export { LoadErrors } from "./load-errors.js";
export { type LoadedStage, loadPlugin, loadStage, type StageSource } from "./load-stage.js";
export type { JobEvent, PipelineObserver, StageEvent, StageOutcome } from "./observer.js";
export { PipelineSettings, RunOptions, StopOptions } from "./options.js";
export { Pipeline } from "./pipeline.js";
export type { BuilderSettings, PipelineBuilder } from "./pipeline-builder.js";
export type { GraphParts, PipelineParts } from "./pipeline-parts.js";
export {
  definePlugin,
  type Plugin,
  type PluginDefinition,
  type StageKind,
  type StageSetup,
} from "./plugin.js";
export { renameStage } from "./rename-stage.js";
export type { ProcessMessageOptions, Sink } from "./sink.js";
export type { DeliveryFacts, GetMessageOptions, Source } from "./source.js";
export type {
  BatchFunction,
  BatchOutcome,
  ProcessingFunction,
  Stage,
  StageContext,
  StageEntry,
  StageWithOptions,
} from "./stage.js";
export { parseStageAddress, type StageAddress } from "./stage-address.js";
export {
  BatchOptions,
  ElasticConcurrency,
  InboxOptions,
  RetryOptions,
  type StageConfig,
  StageOptions,
} from "./stage-options.js";
export { type PipelineStats, type StageStats, toSnakeCase } from "./stats.js";
export { type ThreadStageSetup, threadStage } from "./thread-stage.js";
