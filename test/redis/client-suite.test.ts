/**
 * Goal: a client of Redis is a client like all others, also where the keys lie on several servers.
 * Method: the conformance suites, with a real Redis for each test, and with a real Cluster.
 */
import { afterAll, beforeAll, describe, test } from "vitest";
import { clientJobsSuite, clientSuite } from "../../src/testing/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { redisBench } from "../helpers/redis-bench.js";
import { type RedisCluster, startCluster } from "../helpers/redis-cluster.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("RedisClient", () => {
  const bench = async (brokerParams = {}) => {
    const server = await startRedis();
    const { host, port } = server;
    return redisBench({ host, port, brokerParams }, () => server[Symbol.asyncDispose]());
  };
  clientSuite("RedisClient", bench, { describe, test });
  clientJobsSuite("RedisClient", bench, { describe, test });
});

describeRedis("RedisClient and a Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  const bench = async (options = {}) => {
    await Promise.all(cluster.nodes.map((node) => node.command("FLUSHALL")));
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    return redisBench({ brokerParams: { clusterNodes, ...options } });
  };
  clientSuite("RedisClient, Cluster", bench, { describe, test });
  clientJobsSuite("RedisClient, Cluster", bench, { describe, test });
});
