/** What the other tests of Redis stand on: the servers do what their helpers promise. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeRedis } from "../helpers/describe-redis.js";
import { startCluster } from "../helpers/redis-cluster.js";
import { startSentinel } from "../helpers/redis-sentinel.js";
import { startRedis } from "../helpers/redis-server.js";

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describeRedis("servers of Redis for tests", () => {
  test("a server answers on its URL, and both end with the test", async () => {
    let pid: number;
    let folder: string;
    {
      await using redis = await startRedis();
      expect(await redis.command("SET", "key", "value")).toBe("OK");
      expect(await redis.command("RPUSH", "list", 1, Buffer.from("two"))).toBe(2);
      expect(await redis.command("LRANGE", "list", 0, -1)).toEqual(["1", "two"]);
      expect(new URL(redis.url)).toMatchObject({ hostname: redis.host, port: String(redis.port) });
      const told = (await redis.command("CONFIG", "GET", "dir")) as [string, string];
      [pid, folder] = [redis.pid, told[1]];
      expect(runs(pid) && existsSync(folder)).toBe(true);
    }
    expect(runs(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test("a server that was given a test ends with it", async () => {
    const ends: (() => unknown)[] = [];
    const redis = await startRedis({
      test: { onTestFinished: (end) => void ends.push(end as () => unknown) },
    });
    expect(ends).toHaveLength(1);
    for (const end of ends) await end();
    expect(runs(redis.pid)).toBe(false);
  });

  test("a log of commands brings everything back after SIGKILL, on the same port", async () => {
    await using redis = await startRedis({ appendonly: true, appendfsync: "always" });
    const { url, pid } = redis;
    await redis.command("RPUSH", "jobs", "first", "second");
    await redis.kill();
    await expect(redis.command("PING")).rejects.toThrow(/ECONNREFUSED/);
    await redis.restart();
    expect(await redis.command("LRANGE", "jobs", 0, -1)).toEqual(["first", "second"]);
    expect(redis.url).toBe(url);
    expect(redis.pid).not.toBe(pid);
  });

  test("without a log of commands a restart forgets everything", async () => {
    await using redis = await startRedis();
    await redis.command("SET", "key", "value");
    await redis.restart();
    expect(await redis.command("EXISTS", "key")).toBe(0);
  });

  test("a server that is stopped in the middle goes on, or is killed with its test", async () => {
    await using redis = await startRedis();
    await redis.kill("SIGSTOP");
    const answer = redis.command("PING");
    await redis.kill("SIGCONT");
    expect(await answer).toBe("PONG");
    await redis.kill("SIGSTOP");
  });

  test("a password is asked for", async () => {
    const password = "a b/c@d";
    await using redis = await startRedis({ password });
    expect(await redis.command("PING")).toBe("PONG");
    const { host, port } = redis;
    const stranger = connect({ host, port });
    stranger.write("PING\r\n");
    const [answer] = (await once(stranger, "data")) as [Buffer];
    stranger.destroy();
    expect(String(answer)).toMatch(/^-NOAUTH /);
  });

  test("a full memory refuses what is too much", async () => {
    await using redis = await startRedis({ maxmemory: "2mb" });
    const push = () => redis.command("RPUSH", "jobs", "x".repeat(1_000_000));
    await expect(push().then(push).then(push)).rejects.toThrow(/^OOM /);
    expect(Number(await redis.command("LLEN", "jobs"))).toBeLessThan(3);
  });

  test("TLS: who knows the CA is served, who does not refuses the server", async () => {
    await using redis = await startRedis({ tls: true });
    expect(redis.url).toMatch(/^rediss:/);
    expect(await redis.command("PING")).toBe("PONG");
    const { host, port, ca } = redis;
    const socket = connectTls({ host, port, ca: ca?.pem, servername: "localhost" });
    await once(socket, "secureConnect");
    expect(socket.authorized).toBe(true);
    socket.destroy();
    const stranger = connectTls({ host, port });
    const [error] = (await once(stranger, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("SELF_SIGNED_CERT_IN_CHAIN");
  });

  test("a replica is ready when it has what the primary has", async () => {
    await using primary = await startRedis({ password: "secret" });
    await primary.command("SET", "key", "value");
    await using replica = await startRedis({ replicaOf: primary, password: "secret" });
    expect(await replica.command("GET", "key")).toBe("value");
    await expect(replica.command("SET", "key", "other")).rejects.toThrow(/^READONLY /);
  });

  test.each([1, 3] as const)(
    "%i sentinel(s) put a replica in the place of a dead primary",
    async (count) => {
      await using primary = await startRedis({ password: "secret" });
      await using replica = await startRedis({ replicaOf: primary, password: "secret" });
      await using sentinel = await startSentinel(primary, { count });
      const { host, port } = primary;
      expect(await sentinel.primary()).toEqual({ host, port });
      await primary.kill();
      expect(await sentinel.switched()).toEqual({ host, port: replica.port });
      expect(await sentinel.primary()).toEqual({ host, port: replica.port });
      expect(await replica.command("SET", "key", "value")).toBe("OK");
    },
  );

  test("a cluster sends each key to its node", async () => {
    await using cluster = await startCluster();
    const { nodes } = cluster;
    for (const node of nodes) {
      expect(await node.command("CLUSTER", "INFO")).toContain("cluster_state:ok");
    }
    const [first] = nodes as [(typeof nodes)[0]];
    const keys = Array.from({ length: 20 }, (_, index) => `jobs-${index}`);
    const owners = await Promise.all(keys.map((key) => cluster.nodeOf(key)));
    expect(new Set(owners).size).toBe(nodes.length);
    for (const [index, key] of keys.entries()) {
      const owner = owners[index] as (typeof nodes)[0];
      expect(await owner.command("SET", key, index)).toBe("OK");
      if (owner !== first) {
        await expect(first.command("GET", key)).rejects.toThrow(
          new RegExp(`^MOVED \\d+ ${owner.host}:${owner.port}$`),
        );
      }
    }
  });

  test("a key of a cluster moves to another node, and is asked for there on its way", async () => {
    await using cluster = await startCluster(2);
    const from = await cluster.nodeOf("key");
    const to = cluster.nodes.find((node) => node !== from) as typeof from;
    await from.command("SET", "key", "value");
    let onItsWay: unknown;
    await cluster.move("key", to, async () => {
      onItsWay = await from.command("GET", "key").catch((error: Error) => error.message);
    });
    expect(onItsWay).toMatch(new RegExp(`^ASK \\d+ ${to.host}:${to.port}$`));
    expect(await to.command("GET", "key")).toBe("value");
    await expect(from.command("GET", "key")).rejects.toThrow(/^MOVED /);
    expect(await cluster.nodeOf("key")).toBe(to);
  });

  test("no server outlives a process that is killed", async () => {
    const script = fileURLToPath(new URL("../helpers/redis-holder.ts", import.meta.url));
    const holder = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines = createInterface({ input: holder.stdout });
    // The guard of the server has the holder's standard error: it is open until that has ended, too.
    const closed = once(holder, "close");
    const [line] = (await Promise.race([once(lines, "line"), closed])) as [string];
    const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
    expect(runs(pid) && existsSync(folder)).toBe(true);
    holder.kill("SIGKILL");
    await closed;
    expect(runs(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });
});
