import { parseOptions } from "../core/index.js";
import { type BrokerClientConfig, RedisClientConfig } from "./config.js";
import { ClientErrors } from "./errors.js";
import { MemoryClient } from "./memory/memory-client.js";
import type { MessageBrokerClient } from "./message-broker-client.js";
import { SimpleClient } from "./simple/simple-client.js";

/**
 * The client that a configuration describes; connects to nothing yet. Without `clientType` it is a
 * "simple" one.
 *
 * @throws OPTIONS_INVALID, CLIENT_TYPE_UNAVAILABLE
 */
export function createClient(config: BrokerClientConfig): MessageBrokerClient {
  switch (config.clientType) {
    case "memory":
      return new MemoryClient(config);
    case "redis": {
      const { clientType } = parseOptions(RedisClientConfig, config, "RedisClientConfig");
      throw ClientErrors.TYPE_UNAVAILABLE({ clientType });
    }
    default:
      return new SimpleClient(config);
  }
}
