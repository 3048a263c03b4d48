/** The pipeline: from a source through stages into a sink. Knows neither brokers nor bytes. */
export { PipelineErrors } from "./errors.js";
export { PipelineSettings, RunOptions, StopOptions } from "./options.js";
export { Pipeline, type PipelineParts } from "./pipeline.js";
export type { ProcessMessageOptions, Sink } from "./sink.js";
export type { DeliveryFacts, GetMessageOptions, Source } from "./source.js";
export type { ProcessingFunction, Stage, StageContext } from "./stage.js";
export type { StageStats } from "./stage-runner.js";
export { type PipelineStats, toSnakeCase } from "./stats.js";
