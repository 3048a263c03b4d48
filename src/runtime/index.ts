/** Joins the other rooms: pipelines and servers ready to run, documents in, results out. */
export { formatBrokerUrl, parseBrokerUrl } from "./broker-url.js";
export {
  type CheckpointConfig,
  CheckpointOptions,
  CheckpointSettings,
} from "./checkpoints/checkpoint-options.js";
export {
  type CheckpointStoreStats,
  FileCheckpointStore,
} from "./checkpoints/file-checkpoint-store.js";
export { RuntimeErrors } from "./errors.js";
export {
  type FindOptions,
  type FoundDocument,
  findDocuments,
  LOCAL_DOCUMENT_TYPES,
} from "./find-documents.js";
export {
  type DocumentOutcome,
  type IngestConfig,
  IngestOptions,
  ingestDocuments,
} from "./ingest-documents.js";
export {
  LocalPipeline,
  type LocalPipelineConfig,
  type LocalPipelineDependencies,
  LocalPipelineOptions,
  LocalPipelineSettings,
  type LocalPipelineStats,
} from "./local-pipeline.js";
export {
  LocalServer,
  type LocalServerConfig,
  LocalServerOptions,
  type LocalServerStats,
} from "./local-server.js";
export { outputName } from "./output-name.js";
export { resultText, rowText } from "./result-text.js";
export {
  SimpleMessageBroker,
  type SimpleMessageBrokerConfig,
  type SimpleMessageBrokerDependencies,
  SimpleMessageBrokerOptions,
} from "./simple-message-broker.js";
export { type BrokerHandle, startSimpleMessageBroker } from "./start-simple-message-broker.js";
export { queueNames, Telemetry, TelemetryOptions, type Watched } from "./telemetry.js";
export {
  openResultWriter,
  RESULT_FORMATS,
  type ResultFormat,
  type ResultWriter,
} from "./write-result.js";
