// A result that came after its job was given back was taken when the place of the job was another
// one's by then, and the other job was thrown away with it.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a result for a job that was given back", () => {
  test("takes no other job out of its place", async (t) => {
    const redis = await startRedis({ test: t });
    const open = () => {
      const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
      t.onTestFinished(() => client.close());
      return client;
    };
    const [client, other] = [open(), open()];
    const submit = () => client.submitMessage("q", '{"job_payload":{}}', { forNvIngest: true });
    const { transactionId: firstId } = await submit();
    const { transactionId: secondId } = await submit();
    const options = { timeoutMs: 5_000 };
    const first = await client.fetchDelivery("q", options);
    await first?.release();
    const again = await other.fetchDelivery("q", options);
    expect(again?.message).toContain(firstId);
    const second = await client.fetchDelivery("q", options);
    expect(second?.message).toContain(secondId);

    const late = client.submitMessage(firstId, '{"data":1}', { leaseId: first?.leaseId });
    await expect(late).rejects.toMatchObject({ code: "QUEUE_LEASE_OVER" });
    await client.submitMessage(secondId, '{"data":2}', { leaseId: second?.leaseId });
    await other.submitMessage(firstId, '{"data":1}', { leaseId: again?.leaseId });
  });
});
