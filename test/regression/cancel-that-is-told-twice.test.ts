// That a job was cancelled was told twice, as it is told on two channels, or while its delivery was
// being settled. Its place was freed twice, and messages that came to it were thrown away.
import { once } from "node:events";
import { createClient } from "@redis/client";
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

const CONSUMERS = 8;
const JOBS = 1_000;

describeRedis("jobs of which is told twice that they are cancelled", () => {
  test("leave their places once, and others are left there", async (t) => {
    const redis = await startRedis({ test: t });
    const jobIds = Array.from({ length: JOBS }, (_, number) => `job-${number}`);
    const jobs = jobIds.map((jobId) => JSON.stringify({ job_id: jobId }));
    await redis.command("RPUSH", "q", ...jobs);
    const publisher = createClient({ url: redis.url });
    await publisher.connect();
    t.onTestFinished(() => publisher.destroy());
    const client = new RedisClient({
      clientType: "redis",
      host: redis.host,
      port: redis.port,
      brokerParams: { strategy: "simple" },
    });
    t.onTestFinished(() => client.close());

    const taken: string[] = [];
    const consume = async () => {
      while (taken.length < JOBS) {
        const delivery = await client.fetchDelivery("q", { timeoutMs: 500 });
        if (delivery === undefined) return;
        taken.push(delivery.message);
        const { job_id: jobId } = JSON.parse(delivery.message) as { job_id: string };
        const tell = () => publisher.publish("{q}:events", `cancelled ${jobId}`);
        const lost = once(delivery.lost, "abort");
        await Promise.all([tell().then(tell), lost]);
      }
    };
    await Promise.all(Array.from({ length: CONSUMERS }, consume));
    expect(taken.toSorted()).toEqual(jobs.toSorted());
  });
});
