/** Where results go: the queue of each job at a broker. */
export { SinkErrors } from "./errors.js";
export {
  MessageBrokerTaskSink,
  MessageBrokerTaskSinkConfig,
  type MessageBrokerTaskSinkStats,
  type SinkDependencies,
} from "./message-broker-task-sink.js";
