// A client that took messages of one queue with two leases heard of cancelled jobs only for the lease
// that came last; and what it listened to was never forgotten, also when nobody used it any more.
import { once } from "node:events";
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a client that takes messages of a queue with two leases", () => {
  test("hears of the cancelling of each", async (t) => {
    const redis = await startRedis({ test: t });
    const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
    t.onTestFinished(() => client.close());
    const job = '{"job_id":"","job_payload":{}}';
    const taken = [];
    for (const leaseMs of [60_000, 70_000]) {
      const { transactionId } = await client.submitMessage("q", job, { forNvIngest: true });
      const delivery = await client.fetchDelivery("q", { leaseMs, timeoutMs: 5_000 });
      taken.push({ jobId: transactionId, lost: delivery?.lost as AbortSignal });
    }
    for (const { jobId, lost } of taken) {
      const told = lost.aborted || once(lost, "abort");
      expect(await client.cancel(jobId)).toBe("cancelled");
      await told;
      expect(lost.aborted).toBe(true);
    }
  });
});
