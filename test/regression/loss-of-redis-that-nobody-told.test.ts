// A source or sink that makes its client itself gave it no logger: that Redis had lost its data, or that
// a worker had died with a job, was told to nobody.
import { expect, test } from "vitest";
import type { Logger } from "../../src/core/index.js";
import { MessageBrokerTaskSource } from "../../src/sources/index.js";
import { until } from "../../src/testing/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";

describeRedis("a source with a client of its own", () => {
  test("tells that Redis has lost what it held", async (t) => {
    const redis = await startRedis({ test: t });
    const told: string[] = [];
    const note = (_details: object, text?: string) => told.push(text ?? "");
    const logger = { debug() {}, info: note, warn: note, error: note } as unknown as Logger;
    const brokerClient = { clientType: "redis" as const, host: redis.host, port: redis.port };
    const source = new MessageBrokerTaskSource({ brokerClient }, { logger });
    t.onTestFinished(() => source.stop());
    const getting = source.getMessage({ timeoutMs: 30_000 }).catch(() => {});
    // The sign by which a loss is known, and the worker, which comes after it.
    const keys = ["{millrace}:epoch", "{ingest_task_queue}:workers"];
    await expect.poll(() => redis.command("EXISTS", ...keys), { timeout: 20_000 }).toBe(2);
    await redis.kill("SIGKILL");
    await redis.restart();
    await until("it is told", () => told.some((text) => /Redis has lost what it held/.test(text)));
    await source.stop();
    await getting;
    expect(told.join()).toContain("Redis has lost");
  });
});
