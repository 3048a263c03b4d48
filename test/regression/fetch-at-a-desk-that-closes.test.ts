// A desk that nobody had used for ten seconds closed itself, and a fetch that began meanwhile waited at
// it for ever, whatever its time.
import { expect, test, vi } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

const IDLE_MS = 11_000;

describeRedis("a fetch while its idle desk closes", () => {
  test("gets its message", async (t) => {
    const redis = await startRedis({ test: t });
    const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
    t.onTestFinished(() => client.close());
    const options = { leaseMs: 3_000, timeoutMs: 10_000 };
    await client.submitMessage("q", "first");
    const first = await client.fetchDelivery("q", options);
    await first?.acknowledge();

    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + IDLE_MS);
    t.onTestFinished(() => void vi.restoreAllMocks());
    // So that the desk's good-bye takes its time.
    await redis.command("CLIENT", "PAUSE", 60_000, "WRITE");
    const blocked = () => redis.command("INFO", "clients");
    await expect.poll(blocked, { interval: 20 }).toMatch(/blocked_clients:[1-9]/);
    const fetching = client.fetchDelivery("q", options);
    await redis.command("CLIENT", "UNPAUSE");
    await redis.command("RPUSH", "q", "second");
    const second = await fetching;
    expect(second?.message).toBe("second");
  });
});
