// A delivery that was given back while another was on its way back stayed with its worker, as long as
// that lived and gave back nothing else: nobody did the job.
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("two deliveries given back one after the other", () => {
  test("go back both", async (t) => {
    const redis = await startRedis({ test: t });
    const client = new RedisClient({ clientType: "redis", host: redis.host, port: redis.port });
    t.onTestFinished(() => client.close());
    for (const text of ["first", "second"]) await client.submitMessage("q", text);
    const first = await client.fetchDelivery("q", { timeoutMs: 5_000 });
    const second = await client.fetchDelivery("q", { timeoutMs: 5_000 });
    await redis.kill("SIGSTOP");
    const releases = [first?.release()];
    // By then it has been sent.
    await delay(50);
    releases.push(second?.release());
    await redis.kill("SIGCONT");
    await Promise.all(releases);
    expect(await redis.command("LLEN", "q")).toBe(2);
  });
});
