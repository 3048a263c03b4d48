/** The message broker: queues, the protocol's server, and where messages are kept. */
export { BrokerErrors } from "./errors.js";
export type {
  JobLedger,
  LeaseEnd,
  LedgerHost,
  LedgerStats,
  PushRefusal,
} from "./job-ledger.js";
export {
  MessageBroker,
  type MessageBrokerDependencies,
  type MessageBrokerStats,
} from "./message-broker.js";
export { type BrokerConfig, BrokerOptions } from "./options.js";
export type { QueuedMessage } from "./queue.js";
export type { QueueStats } from "./queues.js";
export type { GivenUp } from "./store/entry.js";
export { StoreErrors } from "./store/errors.js";
export { DURABILITIES, type Durability, type StoreStats } from "./store/message-store.js";
export type { FileLayer } from "./store/segments/disk/file-layer.js";
