/**
 * Goal: over Redis a job has one result whatever happens to its workers, and Redis is found again
 * whatever happens to it. Method: real servers, and what lies in their keys.
 */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { RedisClient, type RedisClientConfig } from "../../src/client/index.js";
import type { Logger } from "../../src/core/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startSentinel } from "../helpers/redis-sentinel.js";
import { type RedisServer, startRedis } from "../helpers/redis-server.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const QUEUE = "jobs";
const JOB = '{"job_id":"","job_payload":{}}';
const AS_JOB = { forNvIngest: true } as const;

type BrokerParams = NonNullable<RedisClientConfig["brokerParams"]>;

function clientOf(
  t: Cleanup,
  { host, port }: { host: string; port: number },
  brokerParams: BrokerParams = {},
  logger?: Logger,
): RedisClient {
  const quick = { clientType: "redis", maxRetries: 20, maxBackoffMs: 100 } as const;
  const client = new RedisClient({ ...quick, host, port, brokerParams }, { logger });
  t.onTestFinished(() => client.close());
  return client;
}

function collecting(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const note = (_: object, text: string) => void lines.push(text);
  return { lines, logger: { debug: () => {}, info: note, warn: note, error: note } };
}

async function take(client: RedisClient, leaseMs = 60_000) {
  const delivery = await client.fetchDelivery(QUEUE, { leaseMs });
  if (delivery === undefined) throw new Error("there should have been a message");
  return delivery;
}

/** Ends the client's connections without a word to anybody, and for good, as a crash does. */
async function die(server: RedisServer, leaseId: string): Promise<void> {
  const [workerId] = leaseId.split("/");
  await server.command("ZADD", `{${QUEUE}}:workers`, "XX", 1, String(workerId));
}

describeRedis("queues and claims", () => {
  test("a job lies in the queue, then in a place of its worker, then nowhere", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    expect(await server.command("LRANGE", QUEUE, 0, -1)).toEqual([JOB.replace('""', `"${jobId}"`)]);
    expect(await server.command("TTL", QUEUE)).toBe(-1);
    const { leaseId, message, ...delivery } = await take(client);
    void delivery;
    const [worker, place] = leaseId.split("/");
    const claim = `{${QUEUE}}:claim:${worker}:${place}`;
    expect(await server.command("LRANGE", claim, 0, -1)).toEqual([message]);
    await client.submitMessage(jobId, '{"data":null}', { leaseId });
    expect(await server.command("EXISTS", claim, QUEUE)).toBe(0);
    expect(await server.command("LRANGE", jobId, 0, -1)).toEqual(['{"data":null}']);
    expect(await server.command("TTL", jobId)).toBeGreaterThan(172_000);
  });

  test("jobs go to the queue that their hint names, whatever its letters", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    for (const hint of ["micro", "SMALL", "immediate", "huge"]) {
      const job = JSON.stringify({ job_payload: {}, routing_options: { queue_hint: hint } });
      await client.submitMessage(QUEUE, job, AS_JOB);
    }
    const legacy = JSON.stringify({ tracing_options: { queue_hint: "large" }, job_payload: {} });
    await client.submitMessage(QUEUE, legacy, AS_JOB);
    const sizes: unknown[] = [];
    for (const suffix of ["", "_immediate", "_micro", "_small", "_medium", "_large"]) {
      sizes.push(await server.command("LLEN", `${QUEUE}${suffix}`));
    }
    expect(sizes).toEqual([1, 1, 1, 1, 0, 1]);
    expect(await client.size(QUEUE)).toBe(5);
    const { message, acknowledge } = await take(client).then((delivery) => ({
      message: delivery.message,
      acknowledge: () => delivery.acknowledge(),
    }));
    expect(message).toContain("immediate");
    await acknowledge();
    expect(await client.size(QUEUE)).toBe(4);
  });

  test("what a service of nv-ingest pushes while somebody waits is taken at once", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    for (const suffix of ["_large", "", "_immediate", "_micro", "_medium", "_small"]) {
      const waiting = client.fetchDelivery(QUEUE, { timeoutMs: 20_000 });
      await untilBlocked(server, 6);
      await server.command("RPUSH", `${QUEUE}${suffix}`, `for ${suffix}`);
      const delivery = await waiting;
      expect(delivery?.message).toBe(`for ${suffix}`);
      await delivery?.acknowledge();
    }
  });

  test("what nobody waits for any more goes back to its place", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server, { strategy: "simple" });
    const other = clientOf(t, server, { strategy: "simple" });
    for (let round = 0; round < 20; round++) {
      const stop = new AbortController();
      const waiting = client.fetchDelivery(QUEUE, { signal: stop.signal });
      await untilBlocked(server, 1);
      const pushed = server.command("RPUSH", QUEUE, `first of ${round}`, `second of ${round}`);
      stop.abort(new Error("enough"));
      const [got] = await Promise.allSettled([waiting, pushed]);
      if (got.status === "fulfilled") await got.value?.release();
      expect(await other.fetchMessage(QUEUE)).toBe(`first of ${round}`);
      expect(await other.fetchMessage(QUEUE)).toBe(`second of ${round}`);
    }
  });

  test("a full queue is told, those in work counted, and so is a full Redis", async (t) => {
    const server = await startRedis({ test: t, maxmemory: "4mb" });
    const client = clientOf(t, server, { maxQueueSize: 2 });
    await client.submitMessage(QUEUE, "one");
    const delivery = await take(client);
    await client.submitMessage(QUEUE, "two");
    const full = expect.objectContaining({ code: "QUEUE_FULL" });
    await expect(client.submitMessage(QUEUE, "three", { timeoutMs: 0 })).rejects.toEqual(full);
    await delivery.acknowledge();
    await client.submitMessage(QUEUE, "three", { timeoutMs: 0 });
    const large = "x".repeat(3_000_000);
    await client.submitMessage("large", large, { timeoutMs: 0 }).catch(() => {});
    const more = client.submitMessage("large", large, { timeoutMs: 0 });
    await expect(more).rejects.toEqual(full);
  });

  test("a worker is listed with what it holds, and is gone when it leaves", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    const delivery = await take(client, 600);
    const watcher = clientOf(t, server);
    await expect
      .poll(() => watcher.workers(QUEUE))
      .toMatchObject([{ pid: process.pid, leaseMs: 600, holds: [{ jobId, queueName: QUEUE }] }]);
    await delivery.acknowledge();
    await client.close();
    expect(await watcher.workers(QUEUE)).toEqual([]);
  });
});

describeRedis("workers that die", () => {
  test("their jobs come back, and late results are refused", async (t) => {
    const server = await startRedis({ test: t });
    const dead = clientOf(t, server);
    const submitter = clientOf(t, server);
    const jobIds: string[] = [];
    for (let count = 0; count < 3; count++) {
      jobIds.push((await submitter.submitMessage(QUEUE, JOB, AS_JOB)).transactionId);
    }
    const first = await take(dead);
    const second = await take(dead);
    await die(server, first.leaseId);
    const other = clientOf(t, server);
    const got: string[] = [];
    for (const _ of jobIds) {
      const delivery = await take(other, 600);
      const { job_id: jobId } = JSON.parse(delivery.message) as { job_id: string };
      got.push(jobId);
      await other.submitMessage(jobId, "the result", { leaseId: delivery.leaseId });
    }
    expect(got.toSorted()).toEqual(jobIds.toSorted());
    const late = dead.submitMessage(jobIds[1] as string, "late", { leaseId: second.leaseId });
    await expect(late).rejects.toMatchObject({ code: "QUEUE_JOB_OVER" });
    await expect(first.acknowledge()).resolves.toBeUndefined();
    expect(await submitter.fetchMessage(jobIds[0] as string)).toBe("the result");
  });

  test("before its last attempt a job is out alone, and then it is given up", async (t) => {
    const server = await startRedis({ test: t });
    const params = { maxDeliveries: 2 };
    const submitter = clientOf(t, server, params);
    for (let count = 0; count < 2; count++) await submitter.submitMessage(QUEUE, JOB, AS_JOB);
    const dead = clientOf(t, server, params);
    const { leaseId } = await take(dead);
    await take(dead);
    await die(server, leaseId);
    const other = clientOf(t, server, params);
    // It waits, and looks for the dead meanwhile.
    const last = await take(other, 600);
    const another = await other.fetchDelivery(QUEUE, { leaseMs: 600, timeoutMs: 200 });
    expect(another).toBeUndefined();
    await last.acknowledge();
    const next = await take(other, 600);
    await die(server, next.leaseId);
    const third = clientOf(t, server, params);
    expect(await third.fetchDelivery(QUEUE, { leaseMs: 600, timeoutMs: 3_000 })).toBeUndefined();
    const { letters } = await submitter.deadLetters.list();
    expect(letters).toMatchObject([{ cause: "deliveries", deliveries: 2, queueName: QUEUE }]);
    const result = await submitter.fetchMessage(letters[0]?.jobId ?? "");
    expect(JSON.parse(result ?? "{}")).toMatchObject({ status: "failed", fragment_count: 1 });
  });
});

describeRedis("a Redis that lost its last writes", () => {
  test.each(["simple", "lottery"] as const)(
    "a job that it brings back into a free place is done, and so is the one beside it: %s",
    async (strategy) => {
      await using server = await startRedis();
      const { host, port } = server;
      const brokerParams = { strategy };
      await using client = new RedisClient({ clientType: "redis", host, port, brokerParams });
      await client.submitMessage(QUEUE, "settled before");
      const first = await take(client, 900);
      await first.acknowledge();
      const waiting = client.fetchDelivery(QUEUE, { leaseMs: 900 });
      await untilBlocked(server, strategy === "simple" ? 1 : 6);
      const [worker] = first.leaseId.split("/");
      const places = Array.from(
        { length: 16 },
        (_, place) => `{${QUEUE}}:claim:${worker}:${place}`,
      );
      for (const place of places) await server.command("RPUSH", place, `back in ${place}`);
      await client.submitMessage(QUEUE, "new");
      const got = new Set<string>();
      for (let next = await waiting; next !== undefined; ) {
        got.add(next.message);
        await next.acknowledge();
        if (got.size === 17) break;
        next = await client.fetchDelivery(QUEUE, { leaseMs: 900, timeoutMs: 5_000 });
      }
      expect(got).toContain("new");
      await client.close();
      const other = new RedisClient({ clientType: "redis", host, port, brokerParams });
      while (got.size < 17) {
        const text = await other.fetchMessage(QUEUE, { timeoutMs: 5_000 });
        if (text === undefined) break;
        got.add(text);
      }
      await other.close();
      expect(got.size).toBe(17);
    },
  );
});

describeRedis("results", () => {
  test("a large one is pushed in fragments and read as one", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server, { maxFragmentBytes: 1_024 });
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    const { leaseId } = await take(client);
    const data = Array.from({ length: 10 }, (_, n) => ({
      document_type: "text",
      n,
      x: "x".repeat(400),
    }));
    const result = { status: "success", data, fragment: 0, fragment_count: 1 };
    await client.submitMessage(jobId, JSON.stringify(result), { leaseId });
    expect(await server.command("LLEN", jobId)).toBe(5);
    expect(JSON.parse((await client.fetchMessage(jobId)) ?? "")).toEqual(result);
  });

  test("one that another maker's pipeline pushes to a job of ours is found", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    const waiting = client.fetchMessage(jobId);
    const fragment = (index: number) =>
      JSON.stringify({ data: [index], fragment: index, fragment_count: 2 });
    await server.command("RPUSH", jobId, fragment(1));
    await server.command("RPUSH", jobId, fragment(0));
    expect(JSON.parse((await waiting) ?? "")).toMatchObject({ data: [0, 1] });
  });

  test("one that was kept long enough is told as expired", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    const { leaseId } = await take(client);
    await client.submitMessage(jobId, "the result", { leaseId });
    await server.command("DEL", jobId);
    await expect(client.fetchMessage(jobId)).rejects.toMatchObject({
      code: "QUEUE_RESULT_EXPIRED",
    });
  });
});

describeRedis("servers", () => {
  test("what it keeps is read from it", async (t) => {
    const safe = await startRedis({ test: t, appendonly: true, appendfsync: "always" });
    expect(await clientOf(t, safe).server()).toMatchObject({
      name: "Redis",
      persistence: "always",
    });
    const plain = await startRedis({ test: t });
    expect(await clientOf(t, plain).server()).toMatchObject({ persistence: "none", evicts: false });
  });

  test("TLS is verified", async (t) => {
    const server = await startRedis({ test: t, tls: true });
    const trusting = clientOf(t, server, { useSsl: true, caFile: server.ca?.file });
    await trusting.ping();
    const wary = new RedisClient({
      ...{ clientType: "redis", host: server.host, port: server.port, maxRetries: 0 },
      brokerParams: { useSsl: true },
    });
    t.onTestFinished(() => wary.close());
    await expect(wary.ping()).rejects.toMatchObject({
      code: "CLIENT_BROKER_UNAVAILABLE",
      message: expect.stringMatching(/certificate/),
    });
  });

  test("a password is read anew when it changes, and a wrong one is told", async (t) => {
    const folder = await temporaryFolder(t);
    const passwordFile = join(folder, "password");
    await writeFile(passwordFile, "first\n");
    const server = await startRedis({ test: t, password: "first" });
    const client = clientOf(t, server, { passwordFile });
    await client.submitMessage(QUEUE, "one");
    await server.command("CONFIG", "SET", "requirepass", "second");
    await writeFile(passwordFile, "second\n");
    await client.submitMessage(QUEUE, "two");
    const wrong = new RedisClient({
      ...{ clientType: "redis", host: server.host, port: server.port, maxRetries: 0 },
      brokerParams: { password: "guess" },
    });
    t.onTestFinished(() => wrong.close());
    const refused = wrong.ping();
    await expect(refused).rejects.toMatchObject({ code: "CLIENT_LOGIN_REFUSED" });
    await expect(refused).rejects.not.toThrow(/guess/);
  });

  test("after a restart with its log, work goes on, and no job is lost", async (t) => {
    const server = await startRedis({ test: t, appendonly: true, appendfsync: "always" });
    const client = clientOf(t, server);
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    const waiting = client.fetchMessage(jobId);
    const { leaseId } = await take(client);
    await server.kill();
    await server.restart();
    await client.submitMessage(jobId, "the result", { leaseId });
    expect(await waiting).toBe("the result");
    const next = client.fetchDelivery(QUEUE, { timeoutMs: 20_000 });
    await client.submitMessage(QUEUE, "another");
    expect((await next)?.message).toBe("another");
  });

  test("after a restart without anything, that is said, and work goes on", async (t) => {
    const server = await startRedis({ test: t });
    const { logger, lines } = collecting();
    const client = clientOf(t, server, {}, logger);
    await client.submitMessage(QUEUE, JOB, AS_JOB);
    const { lost } = await take(client, 900);
    await server.restart();
    await expect.poll(() => lines.join("\n")).toMatch(/Redis has lost what it held/);
    await expect.poll(() => lost.aborted).toBe(true);
    const waiting = client.fetchDelivery(QUEUE, { leaseMs: 900 });
    await client.submitMessage(QUEUE, "another");
    expect((await waiting)?.message).toBe("another");
  });

  test("scripts that the server has forgotten are sent again", async (t) => {
    const server = await startRedis({ test: t });
    const client = clientOf(t, server);
    await client.submitMessage(QUEUE, "one");
    await server.command("SCRIPT", "FLUSH");
    expect(await client.fetchMessage(QUEUE)).toBe("one");
  });

  test("a failover by Sentinel is followed", async (t) => {
    const primary = await startRedis({ test: t });
    const replica = await startRedis({ test: t, replicaOf: primary });
    const sentinel = await startSentinel(primary, { test: t });
    const sentinels = sentinel.sentinels.map(({ host, port }) => ({ host, port }));
    const client = new RedisClient({
      ...{ clientType: "redis", maxRetries: 1_000, maxBackoffMs: 100 },
      brokerParams: { sentinels, sentinelName: sentinel.name },
    });
    t.onTestFinished(() => client.close());
    await client.submitMessage(QUEUE, "before");
    await expect.poll(() => replica.command("LLEN", QUEUE)).toBe(1);
    const waiting = client.fetchDelivery("elsewhere", { leaseMs: 3_000, timeoutMs: 25_000 });
    await primary.kill();
    await client.submitMessage("elsewhere", "after", { timeoutMs: 25_000 });
    expect((await waiting)?.message).toBe("after");
    expect(await client.fetchMessage(QUEUE)).toBe("before");
  }, 60_000);
});

describeRedis("large messages", () => {
  test("travel by reference between clients that share a store, results too", async (t) => {
    const server = await startRedis({ test: t });
    const folder = await temporaryFolder(t);
    const objects = { url: pathToFileURL(folder).href, minBytes: 10_000 };
    const client = clientOf(t, server, { objects });
    const worker = clientOf(t, server, { objects });
    const text = "grain ".repeat(5_000);
    const job = JSON.stringify({ job_payload: { content: [text] } });
    const { transactionId: jobId } = await client.submitMessage(QUEUE, job, AS_JOB);
    const [stored] = (await server.command("LRANGE", QUEUE, 0, -1)) as [string];
    expect(stored.length).toBeLessThan(500);
    expect(JSON.parse(stored)).toMatchObject({ job_id: jobId });
    const { message, leaseId } = await take(worker);
    expect(JSON.parse(message)).toEqual({ job_payload: { content: [text] }, job_id: jobId });
    const result = JSON.stringify({ data: [text], status: "success" });
    await worker.submitMessage(jobId, result, { leaseId });
    expect(await server.command("LINDEX", jobId, 0)).not.toContain("grain");
    expect(await client.fetchMessage(jobId)).toBe(result);
  });

  test("a result of a job that came whole lies in Redis, where others look for it", async (t) => {
    const server = await startRedis({ test: t });
    const folder = await temporaryFolder(t);
    const worker = clientOf(t, server, {
      objects: { url: pathToFileURL(folder).href, minBytes: 10 },
    });
    await server.command("RPUSH", QUEUE, JOB.replace('""', '"a-job"'));
    const { leaseId } = await take(worker);
    const result = JSON.stringify({ data: ["grain ".repeat(5_000)], status: "success" });
    await worker.submitMessage("a-job", result, { leaseId });
    expect(await server.command("LRANGE", "a-job", 0, -1)).toEqual([result]);
  });

  test("a job whose text is gone comes all the same, to be answered", async (t) => {
    const server = await startRedis({ test: t });
    const folder = await temporaryFolder(t);
    const objects = { url: pathToFileURL(folder).href, minBytes: 10 };
    const client = clientOf(t, server, { objects });
    const { transactionId: jobId } = await client.submitMessage(QUEUE, JOB, AS_JOB);
    await rm(folder, { recursive: true });
    await mkdir(folder, { mode: 0o700 });
    const { message } = await take(client);
    expect(JSON.parse(message)).toMatchObject({ job_id: jobId });
    expect(message).not.toContain("job_payload");
  });
});

/** Resolves when so many connections wait in Redis. */
async function untilBlocked(server: RedisServer, count: number): Promise<void> {
  for (;;) {
    const info = String(await server.command("INFO", "clients"));
    if (Number(/blocked_clients:(\d+)/.exec(info)?.[1]) >= count) return;
    await sleep(10);
  }
}
