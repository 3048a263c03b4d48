/** How long a job waits whose worker is killed: until another one begins with it. */
import { setTimeout as sleep } from "node:timers/promises";
import { RedisClient } from "millrace/client";
import type { Bench } from "../harness.js";
import { jobText, KB, TASK_QUEUE } from "../messages.js";
import { startRedis } from "../redis-server.js";
import type { Remote } from "../remote.js";
import { REDIS } from "./redis-jobs.js";

const LEASE_MS = 3_000;
const TRIALS = 8;
const TRIALS_QUICK = 3;
const START_MS = 10_000;
const EACH = "kill -9 of a worker to the next delivery of its job, lease 3 s";
export const RECOVERY = `${EACH}, the worst`;

/** A worker that keeps what it gets. */
async function startWorker({ processes }: Bench, port: number): Promise<Remote> {
  const worker = await processes.node("processes/redis-pipeline.ts");
  await worker.call("start", { port, concurrency: 1, leaseMs: LEASE_MS, stageMs: "held" });
  return worker;
}

async function untilAlive(client: RedisClient, pid: number): Promise<void> {
  const endMs = performance.now() + START_MS;
  while (!(await client.workers(TASK_QUEUE)).some((worker) => worker.pid === pid)) {
    if (performance.now() > endMs) throw new Error("a worker did not register");
    await sleep(20);
  }
}

/** The one that waits gets the job of the one that holds it. */
async function killOnce(holder: Remote, waiting: Remote): Promise<number> {
  const begun = waiting.call("begins", {}, LEASE_MS * 10);
  // Anywhere between two of its signs of life.
  await sleep(Math.random() * LEASE_MS);
  const killedAtMs = performance.now();
  process.kill(holder.pid, "SIGKILL");
  await begun;
  return performance.now() - killedAtMs;
}

export async function measureRecovery(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const port = await startRedis(processes, "everysec");
  const client = new RedisClient({ clientType: "redis", host: "127.0.0.1", port });
  let worstMs = 0;
  try {
    let holder = await startWorker(bench, port);
    const trials = bench.isQuick ? TRIALS_QUICK : TRIALS;
    for (let trial = 1; trial <= trials; trial++) {
      bench.say(`redis, recovery, trial ${trial} of ${trials}`);
      const holds = holder.call("begins");
      const job = jobText(KB);
      const { transactionId } = await client.submitMessage(TASK_QUEUE, job, { forNvIngest: true });
      await holds;
      const waiting = await startWorker(bench, port);
      await untilAlive(client, waiting.pid);
      const tookMs = await killOnce(holder, waiting);
      figures.add(REDIS, EACH, { unit: "ms", value: tookMs });
      worstMs = Math.max(worstMs, tookMs);
      await waiting.call("goOn");
      await client.fetchMessage(transactionId, { timeoutMs: START_MS });
      holder = waiting;
    }
  } finally {
    await client.close();
  }
  figures.add(REDIS, RECOVERY, { unit: "ms", value: worstMs });
}
