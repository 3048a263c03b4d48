/** How one talks to a broker: one interface, a client over TCP and one within the process. */
export type { CallOptions } from "./call-options.js";
export {
  type BrokerClientConfig,
  BrokerParamsRedis,
  MemoryClientConfig,
  RedisClientConfig,
  RedisSettings,
  SimpleClientConfig,
} from "./config.js";
export { BrokerClientOption, createClient, useClient } from "./create-client.js";
export type {
  DeadChoice,
  DeadLetter,
  DeadLetterPage,
  DeadLetters,
  DeadListOptions,
} from "./dead-letters.js";
export { ClientErrors } from "./errors.js";
export { isLateResult } from "./late-result.js";
export { MemoryClient } from "./memory/memory-client.js";
export type {
  Delivery,
  DeliveryOptions,
  FetchOptions,
  MessageBrokerClient,
  Receipt,
  SubmitOptions,
} from "./message-broker-client.js";
export { RedisClient, type RedisClientDependencies } from "./redis/redis-client.js";
export type { ServerFacts } from "./redis/server-facts.js";
export type { HeldJob, WorkerFacts } from "./redis/worker-facts.js";
export { SimpleClient } from "./simple/simple-client.js";
