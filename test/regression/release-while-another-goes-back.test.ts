// A message released while Redis was being told of another one that goes back was told to nobody: it
// stayed in its place for as long as its worker lived.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a release while another one is on its way", () => {
  test("puts its message back too", async (t) => {
    const redis = await startRedis({ test: t });
    const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
    t.onTestFinished(() => client.close());
    await client.submitMessage("q", "first");
    await client.submitMessage("q", "second");
    const first = await client.fetchDelivery("q", { timeoutMs: 5_000 });
    const second = await client.fetchDelivery("q", { timeoutMs: 5_000 });
    // The first cannot be back before the second is released.
    await redis.command("CLIENT", "PAUSE", 60_000, "WRITE");
    const releasing = first?.release();
    await new Promise(setImmediate);
    const other = second?.release();
    await redis.command("CLIENT", "UNPAUSE");
    await Promise.all([releasing, other]);
    expect(await redis.command("LRANGE", "q", 0, -1)).toHaveLength(2);
  });
});
