/**
 * Millrace: jobs in, one result per job out. What most programs need; more stands behind the doors
 * `millrace/broker` and its like: one door for each room, as package.json lists them.
 */
export type { Durability, MessageBrokerStats } from "./broker/index.js";
export {
  type BrokerClientConfig,
  BrokerParamsRedis,
  createClient,
  type Delivery,
  MemoryClient,
  MemoryClientConfig,
  type MessageBrokerClient,
  RedisClient,
  RedisClientConfig,
  SimpleClient,
  SimpleClientConfig,
} from "./client/index.js";
export { hasCode, isRetryable, type Logger, MillraceError, VERSION } from "./core/index.js";
export {
  type ControlMessageTask,
  createJob,
  encodeJob,
  extractTask,
  failureCause,
  IngestControlMessage,
  parseResult,
  type ResultDocument,
  type Row,
  type RowMetadata,
  splitTask,
} from "./message/index.js";
export {
  definePlugin,
  Pipeline,
  type PipelineParts,
  type PipelineStats,
  type Plugin,
  type ProcessingFunction,
  RunOptions,
  type Sink,
  type Source,
  type Stage,
  type StageContext,
  type StageKind,
  type StageSetup,
  type StageWithOptions,
  StopOptions,
  toSnakeCase,
} from "./pipeline/index.js";
export {
  type BrokerHandle,
  definePipeline,
  LocalPipeline,
  LocalPipelineOptions,
  LocalServer,
  LocalServerOptions,
  PipelineDefinition,
  pipelineFromCode,
  pipelineSettings,
  readPipelineFile,
  SimpleMessageBroker,
  SimpleMessageBrokerOptions,
  startSimpleMessageBroker,
} from "./runtime/index.js";
export { MessageBrokerTaskSink, MessageBrokerTaskSinkConfig } from "./sinks/index.js";
export { MessageBrokerTaskSource, MessageBrokerTaskSourceConfig } from "./sources/index.js";
