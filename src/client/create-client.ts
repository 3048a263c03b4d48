import { z } from "zod";
import type { BrokerClientConfig } from "./config.js";
import { MemoryClient } from "./memory/memory-client.js";
import type { MessageBrokerClient } from "./message-broker-client.js";
import { RedisClient, type RedisClientDependencies } from "./redis/redis-client.js";
import { SimpleClient } from "./simple/simple-client.js";

export type ClientDependencies = RedisClientDependencies;

/**
 * The client that a configuration describes; connects to nothing yet. Without `clientType` it is a
 * "simple" one.
 *
 * @param dependencies.logger hears what a client notices by itself, such as jobs that Redis lost.
 * @throws OPTIONS_INVALID
 */
export function createClient(
  config: BrokerClientConfig,
  dependencies: ClientDependencies = {},
): MessageBrokerClient {
  switch (config.clientType) {
    case "memory":
      return new MemoryClient(config);
    case "redis":
      return new RedisClient(config, dependencies);
    default:
      return new SimpleClient(config);
  }
}

/** The option of everything that talks to a broker: a configuration, or a client that is ready. */
export const BrokerClientOption = z
  .custom<BrokerClientConfig | MessageBrokerClient>(
    (value) => typeof value === "object" && value !== null,
    "must be a client's configuration or a client",
  )
  .default(() => ({}))
  .meta({
    description: "How to reach the broker, or a client that is ready; that one is not closed.",
    typeText: "a client's configuration, or a client",
    defaultText: "a SimpleClientConfig's defaults",
  });

/** A client and the way to end it: one that was handed in is left open. */
export function useClient(
  option: BrokerClientConfig | MessageBrokerClient,
  dependencies: ClientDependencies = {},
): {
  readonly client: MessageBrokerClient;
  readonly close: () => Promise<void>;
} {
  if ("fetchDelivery" in option) return { client: option, close: async () => {} };
  const client = createClient(option, dependencies);
  return { client, close: () => client.close() };
}
