// A client that closed while Redis would not end its blocked connection took itself off the workers all
// the same: a message that came to it in that moment lay in a place where nobody looks.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a client that closes while its connection stays blocked", () => {
  test("stays known until its lease is over", async (t) => {
    const config = ["user default on nopass ~* &* +@all -client|unblock"];
    const redis = await startRedis({ test: t, config });
    const client = new RedisClient({
      clientType: "redis",
      host: redis.host,
      port: redis.port,
      maxRetries: 0,
      brokerParams: { strategy: "simple" },
    });
    t.onTestFinished(() => client.close());
    const fetching = client.fetchDelivery("q", { leaseMs: 60_000, timeoutMs: 20_000 });
    const refused = expect(fetching).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    const clients = () => redis.command("INFO", "clients");
    await expect.poll(clients, { interval: 20 }).toContain("blocked_clients:1");
    await client.close();
    await refused;
    expect(await redis.command("ZCARD", "{q}:workers")).toBe(1);
  });
});
