/** A Redis with clients for the client suite, and consumers that die. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RedisClient, type RedisClientConfig } from "../../src/client/index.js";
import type { JobsBench } from "../../src/testing/index.js";

const VICTIM = fileURLToPath(new URL("redis-victim.mjs", import.meta.url));
/** Short, because a lease that is not renewed must run out before a job comes back. */
const VICTIM_LEASE_MS = 200;
/** Long enough for a busy machine to take over what a dead one had. */
const RECOVERY_MS = 15_000;

/** Real clients, so a close must not take long: retries are few and quick. */
const QUICK = { clientType: "redis", maxRetries: 3, maxBackoffMs: 50 } as const;

/** @param config without times and retries. @param dispose ends the server. */
export function redisBench(
  config: Partial<RedisClientConfig>,
  dispose: () => Promise<void> = async () => {},
): JobsBench {
  const clients: RedisClient[] = [];
  const settings: RedisClientConfig = {
    ...QUICK,
    ...config,
    // Each death costs a process and a lease.
    brokerParams: { maxDeliveries: 1, ...config.brokerParams },
  };
  const connect = () => {
    const client = new RedisClient(settings);
    clients.push(client);
    return client;
  };
  return {
    connect,
    crash: (queueName) => crash(settings, queueName, connect),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await dispose();
    },
  };
}

/** A consumer in a process of its own is killed; resolves when others have taken over what it had. */
async function crash(
  config: RedisClientConfig,
  queueName: string,
  connect: () => RedisClient,
): Promise<void> {
  const args = [VICTIM, JSON.stringify(config), queueName, String(VICTIM_LEASE_MS)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [leaseId] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  child.kill("SIGKILL");
  await once(child, "exit");
  if (leaseId === "nothing") return;
  const client = connect();
  const dead = (await client.deadLetters.list()).count;
  // It looks for those that died, and gets what comes back; with the last attempt nothing does.
  const back = client.fetchDelivery(queueName, { leaseMs: 1_000, timeoutMs: RECOVERY_MS });
  const other = connect();
  const isDead = async () => {
    while ((await other.deadLetters.list()).count === dead) await sleep(20);
  };
  const delivery = await Promise.race([back, isDead()]);
  await delivery?.release();
  await client.close();
  await back.catch(() => {});
}
