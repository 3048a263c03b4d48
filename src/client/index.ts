/** How one talks to a broker: one interface, a client over TCP and one within the process. */
export {
  type BrokerClientConfig,
  BrokerParamsRedis,
  MemoryClientConfig,
  RedisClientConfig,
  SimpleClientConfig,
} from "./config.js";
export { BrokerClientOption, createClient, useClient } from "./create-client.js";
export { ClientErrors } from "./errors.js";
export { MemoryClient } from "./memory/memory-client.js";
export type {
  CallOptions,
  Delivery,
  DeliveryOptions,
  FetchOptions,
  MessageBrokerClient,
  Receipt,
  SubmitOptions,
} from "./message-broker-client.js";
export { SimpleClient } from "./simple/simple-client.js";
