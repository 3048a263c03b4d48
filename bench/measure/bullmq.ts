/**
 * No-op jobs from submit to result, ours against BullMQ's on Redis: broker or Redis, pipeline or worker,
 * and client in processes of their own, over TCP, everything in memory, taken in turn.
 */
import { createRequire } from "node:module";
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB } from "../messages.js";
import type { BullWait } from "../processes/bullmq-client.js";
import { redisVersion, startRedis } from "../redis-server.js";
import type { Remote } from "../remote.js";
import { CONCURRENCY } from "./jobs.js";

export const BULLMQ = "bullmq";
const IN_FLIGHT = 64;
const BYTES = KB;
const QUEUE = "bench";

const WAITS: readonly BullWait[] = ["events", "finished"];
const OURS = "ours";
const THEIRS = {
  events: "BullMQ, results by events alone",
  finished: "BullMQ, results by waitUntilFinished",
} as const;
/** Jobs per second, by the way in which BullMQ's client awaits results. */
export const OF_BULLMQ = {
  events: `${OURS} ÷ ${THEIRS.events}`,
  finished: `${OURS} ÷ ${THEIRS.finished}`,
} as const;

interface Side {
  readonly name: string;
  readonly client: Remote;
  readonly load: object;
}

async function startOurs({ processes }: Bench): Promise<Side> {
  // As BullMQ's finished jobs are removed, no result is kept for a second fetch.
  const { port } = await processes.broker({ maxRetainedBytes: 0 });
  const pipeline = await processes.node("processes/pipeline.ts");
  await pipeline.call("start", { port, concurrency: CONCURRENCY });
  const client = await processes.node("processes/load-client.ts");
  return { name: OURS, client, load: { port } };
}

async function startTheirs({ processes }: Bench): Promise<Side[]> {
  const port = await startRedis(processes);
  const worker = await processes.node("processes/bullmq-worker.ts");
  await worker.call("start", { port, queue: QUEUE, concurrency: CONCURRENCY });
  const client = await processes.node("processes/bullmq-client.ts");
  await client.call("connect", { port, queue: QUEUE });
  return WAITS.map((wait) => ({ name: THEIRS[wait], client, load: { wait } }));
}

async function run(bench: Bench): Promise<void> {
  const { figures } = bench;
  const redis = redisVersion();
  if (redis === undefined) {
    figures.notes.push("LEFT OUT: BullMQ. There is no redis-server on the PATH.");
    return;
  }
  const { version } = createRequire(import.meta.url)("bullmq/package.json") as { version: string };
  figures.notes.push(`bullmq: BullMQ ${version} on Redis ${redis}`);
  const sides = [await startOurs(bench), ...(await startTheirs(bench))];
  const bounds = { bytes: BYTES, clients: IN_FLIGHT };
  for (const { client, load } of sides) {
    await client.call("jobs", { ...load, ...bounds, durationMs: bench.lengthMs(4_000) });
  }
  const durationMs = bench.lengthMs(5_000);
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`bullmq, round ${round} of ${bench.rounds}`);
    for (const { name, client, load } of sides) {
      const result = await client.call<LoadResult>("jobs", { ...load, ...bounds, durationMs });
      figures.add(BULLMQ, name, { unit: "jobs/s", value: result.perSecond });
      figures.add(BULLMQ, `${name}, p50`, { unit: "ms", value: result.p50Ms });
      figures.add(BULLMQ, `${name}, p99`, { unit: "ms", value: result.p99Ms });
    }
  }
  for (const wait of WAITS) {
    figures.addRatio(BULLMQ, OF_BULLMQ[wait], { over: OURS, under: THEIRS[wait] });
  }
}

export const bullmq: Measurement = {
  name: BULLMQ,
  about: "no-op jobs end to end against BullMQ on Redis, 1 KB, 64 in flight",
  limitMs: 180_000,
  run,
};
