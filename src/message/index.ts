/** What travels: jobs, tasks, the control message, traces, annotations, rows, results. */
export {
  ANNOTATION_PREFIX,
  type Annotation,
  type AnnotationInput,
} from "./annotation.js";
export { approximateBytes } from "./approximate-bytes.js";
export {
  type ContentMetadataInput,
  completeRowMetadata,
  type HierarchyInput,
  type ImageMetadataInput,
  type RowMetadataInput,
  type SourceMetadataInput,
  type TableMetadataInput,
  type TextMetadataInput,
} from "./complete-row-metadata.js";
export { IngestControlMessage } from "./control-message.js";
export {
  CreateJobOptions,
  createJob,
  documentTypeOfName,
  encodeJob,
  type JobDocument,
} from "./create-job.js";
export { deepCopy } from "./deep-copy.js";
export {
  ACCESS_LEVELS,
  type AccessLevel,
  CONTENT_DESCRIPTIONS,
  CONTENT_TYPES,
  type ContentType,
  DOCUMENT_TYPE_ALIASES,
  DOCUMENT_TYPES,
  type DocumentType,
  isDocumentType,
  LANGUAGES,
  type Language,
  normaliseDocumentType,
  PIPELINE_PHASES,
  QUEUE_HINTS,
  TABLE_FORMATS,
  TASK_TYPES,
  type TableFormat,
  type TaskType,
  TEXT_TYPES,
  type TextType,
} from "./enums.js";
export { MessageErrors } from "./errors.js";
export { injectMetadata } from "./inject-metadata.js";
export { type OpenJobOptions, openJob } from "./open-job.js";
export { fromPlain, type PlainMessage, toPlain } from "./plain-message.js";
export {
  buildResult,
  encodeResult,
  FAILURE_DESCRIPTION,
  failedResult,
  failureCause,
  parseResult,
  type ResultDocument,
  type ResultRow,
  SUCCESS_DESCRIPTION,
} from "./result.js";
export type {
  AudioMetadata,
  Box,
  CompleteRowMetadata,
  ContentHierarchy,
  ContentMetadata,
  CustomContent,
  Dimensions,
  ErrorMetadata,
  ImageMetadata,
  InfoMessageMetadata,
  NearbyObjects,
  Row,
  RowMetadata,
  SourceMetadata,
  TableMetadata,
  TextMetadata,
} from "./row-metadata.js";
export {
  ExtractTaskOptions,
  extractTask,
  SplitTaskOptions,
  splitTask,
  type TaskDocument,
} from "./task-documents.js";
export {
  matchesCriteria,
  type RequiredTask,
  type TaskCriteria,
  taskFilter,
} from "./task-filter.js";
export type { ControlMessageTask, TaskInput } from "./tasks.js";
export {
  channelInEntryKey,
  channelInExitKey,
  entryKey,
  exitKey,
  LATENCY_TS_SEND,
  NETWORK_TRACE_NAME,
  TRACE_PREFIX,
  TRACE_TAGGING,
} from "./trace.js";
