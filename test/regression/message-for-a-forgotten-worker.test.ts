// A worker that had stood still for longer than its lease was forgotten by the others. What came to its
// places before it knew that itself lay there for ever: nobody looked there any more.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a message that comes to a forgotten worker", () => {
  test("comes to another one", async (t) => {
    const redis = await startRedis({ test: t });
    const open = () => {
      const client = new RedisClient({
        clientType: "redis",
        host: redis.host,
        port: redis.port,
        brokerParams: { strategy: "simple" },
      });
      t.onTestFinished(() => client.close());
      return client;
    };
    const [still, other] = [open(), open()];
    const options = { leaseMs: 3_000, timeoutMs: 20_000 };
    const fetching = still.fetchDelivery("q", options);
    const blocked = () => redis.command("INFO", "clients");
    await expect.poll(blocked, { interval: 20 }).toContain("blocked_clients:1");
    const [worker] = (await redis.command("ZRANGE", "{q}:workers", 0, -1)) as string[];
    // What others do when a worker's lease has been over for some seconds.
    await redis.command("DEL", "{q}:workers", `{q}:worker:${worker}`);
    await redis.command("RPUSH", "q", "message");
    const late = await fetching;
    expect(late?.leaseId).toContain(worker);

    const delivery = await other.fetchDelivery("q", options);
    expect(delivery?.message).toBe("message");
    expect(late?.lost.aborted).toBe(true);
    await delivery?.acknowledge();
  });
});
