/**
 * No-op jobs from submit to result over Redis, ours against BullMQ's on the same server, without a log
 * of commands and with one: pipeline or worker and client in processes of their own, taken in turn.
 */
import { createRequire } from "node:module";
import { Redis } from "ioredis";
import type { Bench } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB, MB } from "../messages.js";
import { type AppendFsync, redisVersion, shortenLog, startRedis } from "../redis-server.js";
import type { Remote } from "../remote.js";
import { CONCURRENCY } from "./jobs.js";

export const REDIS = "redis";
const QUEUE = "bench";
/** BullMQ's events hold the results: its own 10,000 would be 10 GB of them. */
const EVENTS_MAX = 1_000;

interface Size {
  readonly name: "1 KB" | "1 MB";
  readonly bytes: number;
  readonly inFlight: number;
  /** Of one load: the log of commands lies on a disk. */
  readonly countMax?: number;
}
const SIZES: readonly Size[] = [
  { name: "1 KB", bytes: KB, inFlight: 64 },
  { name: "1 MB", bytes: MB, inFlight: 8, countMax: 1_000 },
];
const FSYNCS = ["none", "everysec", "always"] as const satisfies readonly AppendFsync[];
const SIDES = ["ours", "BullMQ"] as const;
type Side = (typeof SIDES)[number];

interface Cell {
  readonly size: Size["name"];
  readonly appendFsync: AppendFsync;
}

/** How Redis keeps what it holds. */
export const persistenceOf = (appendFsync: AppendFsync) =>
  appendFsync === "none" ? "no log of commands" : `appendfsync ${appendFsync}`;
const jobsName = ({ size, appendFsync }: Cell, side: Side) =>
  `no-op jobs, ${size}, ${persistenceOf(appendFsync)}, ${side}`;
export const overBullmq = (cell: Cell) => `${jobsName(cell, "ours")} ÷ BullMQ`;

interface Loaded {
  readonly client: Remote;
  readonly load: object;
}

async function startOurs({ processes }: Bench, port: number): Promise<Loaded> {
  const pipeline = await processes.node("processes/redis-pipeline.ts");
  await pipeline.call("start", { port, concurrency: CONCURRENCY });
  const client = await processes.node("processes/redis-client.ts");
  await client.call("connect", { port });
  return { client, load: {} };
}

async function startTheirs({ processes }: Bench, port: number): Promise<Loaded> {
  const worker = await processes.node("processes/bullmq-worker.ts");
  await worker.call("start", { port, queue: QUEUE, concurrency: CONCURRENCY });
  const client = await processes.node("processes/bullmq-client.ts");
  await client.call("connect", { port, queue: QUEUE, eventsMax: EVENTS_MAX });
  return { client, load: { wait: "events" } };
}

/** Which side comes first changes from round to round. */
const turns = (round: number) => (round % 2 === 1 ? SIDES : [...SIDES].reverse());

async function measureOn(bench: Bench, appendFsync: AppendFsync): Promise<void> {
  const { processes, figures } = bench;
  const port = await startRedis(processes, appendFsync);
  const redis = new Redis({ host: "127.0.0.1", port });
  const sides = { ours: await startOurs(bench, port), BullMQ: await startTheirs(bench, port) };
  const measure = async (side: Side, size: Size, durationMs: number) => {
    const { client, load } = sides[side];
    const { bytes, inFlight: clients, countMax } = size;
    const bounds = { bytes, clients, durationMs, ...(countMax && { countMax }) };
    const result = await client.call<LoadResult>("jobs", { ...load, ...bounds });
    // The bytes of one side must not be flushed in the time of the other.
    if (appendFsync !== "none") await shortenLog(redis);
    return result;
  };
  try {
    for (const size of SIZES) {
      for (const side of SIDES) await measure(side, size, bench.lengthMs(3_000));
    }
    for (let round = 1; round <= bench.rounds; round++) {
      bench.say(`redis, jobs, appendfsync ${appendFsync}, round ${round} of ${bench.rounds}`);
      for (const size of SIZES) {
        for (const side of turns(round)) {
          const result = await measure(side, size, bench.lengthMs(4_000));
          const name = jobsName({ size: size.name, appendFsync }, side);
          figures.add(REDIS, name, { unit: "jobs/s", value: result.perSecond });
          figures.add(REDIS, `${name}, p50`, { unit: "ms", value: result.p50Ms });
          figures.add(REDIS, `${name}, p99`, { unit: "ms", value: result.p99Ms });
        }
      }
    }
  } finally {
    redis.disconnect();
  }
  for (const { name: size } of SIZES) {
    const cell = { size, appendFsync };
    const of = { over: jobsName(cell, "ours"), under: jobsName(cell, "BullMQ") };
    figures.addRatio(REDIS, overBullmq(cell), of);
  }
}

export async function measureJobs(bench: Bench): Promise<void> {
  const { version } = createRequire(import.meta.url)("bullmq/package.json") as { version: string };
  bench.figures.notes.push(`redis: BullMQ ${version} on Redis ${redisVersion()}`);
  for (const appendFsync of FSYNCS) {
    await measureOn(bench, appendFsync);
    await bench.processes.endAll();
  }
}
