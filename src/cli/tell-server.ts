/** What a Redis keeps when it dies decides what our promises are worth there, so it is told. */
import { type MessageBrokerClient, RedisClient } from "../client/index.js";
import type { Logger } from "../core/index.js";

const KEPT = {
  always: "keeps every write (appendfsync always)",
  everysec: "may lose the writes of the last second or two when it dies (appendfsync everysec)",
  os: "keeps what the system has written to the disk by itself (appendfsync no)",
  snapshot: "keeps snapshots: all since the last one is lost when it dies (appendonly no)",
  none: "keeps nothing: jobs and results are lost when it dies (appendonly no, no snapshots)",
  unknown: "does not tell what it keeps",
} as const;

/** Says nothing of other brokers. */
export async function tellServer(client: MessageBrokerClient, logger: Logger): Promise<void> {
  if (!(client instanceof RedisClient)) return;
  const { name, version, persistence, evicts } = await client.server();
  const isSafe = persistence === "always" || persistence === "everysec";
  logger[isSafe ? "info" : "warn"]({ persistence }, `${name} ${version} ${KEPT[persistence]}`);
  if (evicts) {
    logger.error(
      {},
      `${name} may throw away jobs when memory is full: set maxmemory-policy noeviction`,
    );
  }
}
