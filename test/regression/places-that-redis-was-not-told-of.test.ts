// A worker that needed more places, and could not tell Redis of them because Redis was read-only for a
// moment, used them all the same: when it died, nobody looked there, and the messages were lost.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";

/** As many as a worker has at first. */
const PLACES = 16;

describeRedis("a worker that grows while Redis is read-only", () => {
  test("loses nothing when it dies", async (t) => {
    const redis = await startRedis({ test: t });
    const { host, port } = redis;
    const open = () => {
      const client = new RedisClient({ clientType: "redis", host, port, maxRetries: 0 });
      t.onTestFinished(() => client.close());
      return client;
    };
    const [first, second] = [open(), open()];
    const sent = Array.from({ length: PLACES + 1 }, (_, number) => `message ${number}`);
    for (const text of sent) await first.submitMessage("q", text);
    for (let count = 0; count < PLACES; count++) {
      await first.fetchDelivery("q", { timeoutMs: 1_000, leaseMs: 60_000 });
    }

    await redis.command("REPLICAOF", host, await freePort(host));
    const refused = first.fetchDelivery("q", { timeoutMs: 1_000, leaseMs: 60_000 });
    await expect(refused).rejects.toThrow("READONLY");
    await redis.command("REPLICAOF", "NO", "ONE");
    const last = await first.fetchDelivery("q", { timeoutMs: 1_000, leaseMs: 60_000 });
    expect(last?.message).toBe(sent.at(-1));

    const [worker] = (await redis.command("ZRANGE", "{q}:workers", 0, -1)) as string[];
    await redis.command("ZADD", "{q}:workers", 1, worker as string);
    const found: (string | undefined)[] = [];
    for (let count = 0; count <= PLACES; count++) {
      const delivery = await second.fetchDelivery("q", { timeoutMs: 5_000, leaseMs: 60_000 });
      found.push(delivery?.message);
    }
    expect(found.toSorted()).toEqual(sent.toSorted());
  });
});
