// A job that failed again at once and was replayed within a second of the first replay was taken for
// a repeated push: it was stored nowhere, its letter was forgotten, and its client waited in vain.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a replay soon after another one of the same job", () => {
  test("puts the job back", async (t) => {
    const redis = await startRedis({ test: t });
    const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
    t.onTestFinished(() => client.close());
    const job = '{"job_id":"","job_payload":{}}';
    const { transactionId: jobId } = await client.submitMessage("q", job, { forNvIngest: true });
    for (let round = 0; round < 3; round++) {
      const delivery = await client.fetchDelivery("q", { timeoutMs: 5_000 });
      expect(delivery?.message).toContain(jobId);
      const { leaseId } = delivery ?? {};
      await client.submitMessage(jobId, '{"status":"failed"}', { leaseId, failed: "broken" });
      await delivery?.acknowledge();
      expect(await client.deadLetters.replay({ jobId })).toBe(1);
      expect(await redis.command("LLEN", "q")).toBe(1);
    }
  });
});
