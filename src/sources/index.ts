/** Where control messages come from: a broker's queue. */
export { SourceErrors } from "./errors.js";
export {
  MessageBrokerTaskSource,
  MessageBrokerTaskSourceConfig,
  type MessageBrokerTaskSourceStats,
  type SourceDependencies,
} from "./message-broker-task-source.js";
