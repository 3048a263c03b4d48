// A Redis that does not know HELLO refuses it and repeats what came with it: the password stood in the
// error, and from there in logs.
import { expect, test } from "vitest";
import { RedisClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a Redis that refuses the login as an unknown command", () => {
  test("is told of without the password", async (t) => {
    const config = ['rename-command HELLO ""'];
    const redis = await startRedis({ test: t, password: "open sesame", config });
    const client = new RedisClient({
      clientType: "redis",
      host: redis.host,
      port: redis.port,
      maxRetries: 0,
      brokerParams: { password: "open sesame" },
    });
    t.onTestFinished(() => client.close());
    const error = await client.ping().catch((reason: unknown) => reason);
    expect(String(error)).toContain("unknown command");
    const all = [error];
    for (let cause = (error as Error).cause; cause instanceof Error; ) {
      all.push(cause);
      cause = cause.cause;
    }
    const texts = all.map((each) => `${each} ${JSON.stringify(each)} ${(each as Error).stack}`);
    expect(texts.join("\n")).not.toContain("sesame");
  });
});
