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
export { type CheckedFile, checkPipelineFile } from "./config/check-pipeline-file.js";
export { definePipeline } from "./config/definition/define-pipeline.js";
export { pipelineFileSchema } from "./config/definition/definition-schema.js";
export { KNOWN_STAGES, type KnownStage } from "./config/definition/known-stages.js";
export {
  type DefinedPipeline,
  EdgeDefinition,
  PipelineDefinition,
  StageDefinition,
} from "./config/definition/pipeline-definition.js";
export {
  type PipelineFileSettings,
  pipelineSettings,
} from "./config/definition/pipeline-settings.js";
export {
  definitionText,
  type ExplainedValue,
  explainPipeline,
  originOf,
} from "./config/explain.js";
export {
  type ListedOption,
  type ListedStage,
  listStages,
  type StageListing,
} from "./config/list-stages.js";
export {
  type FileFault,
  fileFaultText,
  type NamedPipeline,
  pipelineFromCode,
} from "./config/named-pipeline.js";
export { type PipelineFile, readPipelineFile } from "./config/read-pipeline-file.js";
export { HIDDEN, isSecretPath, withoutUrlPasswords } from "./config/text/secrets.js";
export { RuntimeErrors } from "./errors.js";
export {
  type DocumentFinder,
  type FindOptions,
  type FoundDocument,
  findDocuments,
  LOCAL_DOCUMENT_TYPES,
  openFinder,
} from "./find-documents.js";
export {
  type DocumentOutcome,
  type IngestConfig,
  type IngestMeans,
  IngestOptions,
  ingestDocuments,
  ingestFound,
  type KnownOutcome,
} from "./ingest-documents.js";
export {
  LocalPipeline,
  type LocalPipelineConfig,
  type LocalPipelineDependencies,
  LocalPipelineOptions,
  type LocalPipelineStats,
} from "./local-pipeline.js";
export { BuiltInSettings, LocalPipelineSettings } from "./local-pipeline-settings.js";
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
