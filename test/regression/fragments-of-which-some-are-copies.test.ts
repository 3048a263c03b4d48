// Copies counted as fragments: with one of them in place of a fragment that was still to come, a fetch
// was refused, and a message in fragments with a copy among them could never be fetched. And fragments
// of two results were joined to one. A fetch that waited while Redis was full was refused as a push is.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";
import type { Cleanup } from "../helpers/start-broker.js";

const fragment = (index: number, record: string) =>
  JSON.stringify({ status: "success", data: [record], fragment: index, fragment_count: 2 });
const recordsOf = (text: string | undefined) => JSON.parse(text ?? "{}").data;

async function start(t: Cleanup) {
  const redis = await startRedis({ test: t });
  const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
  t.onTestFinished(() => client.close());
  const submitted = client.submitMessage("q", "{}", { forNvIngest: true });
  return { redis, client, jobId: (await submitted).transactionId };
}

describeRedis("a fetch", () => {
  test("waits for the fragment that is missing, whatever is there twice", async (t) => {
    const { redis, client, jobId } = await start(t);
    await redis.command("RPUSH", jobId, fragment(0, "a"), fragment(0, "a"));
    expect(await client.fetchMessage(jobId, { timeoutMs: 100 })).toBeUndefined();
    await redis.command("RPUSH", jobId, fragment(1, "b"));
    expect(recordsOf(await client.fetchMessage(jobId))).toEqual(["a", "b"]);
  });

  test("takes a message in fragments with a copy among them", async (t) => {
    const { redis, client } = await start(t);
    await redis.command("RPUSH", "q2", fragment(0, "a"), fragment(0, "a"), fragment(1, "b"));
    expect(recordsOf(await client.fetchMessage("q2", { timeoutMs: 5_000 }))).toEqual(["a", "b"]);
  });

  test("does not join fragments of two results", async (t) => {
    const { redis, client, jobId } = await start(t);
    await redis.command("RPUSH", jobId, fragment(0, "a"), fragment(0, "other"), fragment(1, "b"));
    await expect(client.fetchMessage(jobId)).rejects.toThrow("differ");
  });

  test("waits also while Redis is full", async (t) => {
    const { redis, client, jobId } = await start(t);
    await redis.command("CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "noeviction");
    expect(await client.fetchMessage(jobId, { timeoutMs: 100 })).toBeUndefined();
  });
});
