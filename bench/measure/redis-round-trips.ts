/**
 * How often a worker asks Redis for each job, counted by Redis itself: MONITOR tells every command with
 * the address it came from. What a script does inside Redis is no round trip.
 */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import type { Bench } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB } from "../messages.js";
import { startRedis } from "../redis-server.js";
import { REDIS } from "./redis-jobs.js";

/** By this user the worker's connections are known from all others. */
const LOGIN = { username: "worker", password: "bench" };
const WARM_UP_COUNT = 100;
const COUNT = 500;
const COUNT_QUICK = 200;

interface Cell {
  readonly inFlight: number;
  /** Jobs that the worker takes at a time. */
  readonly concurrency: number;
}
export const TRIP_CELLS = [
  { inFlight: 1, concurrency: 1 },
  { inFlight: 1, concurrency: 32 },
  { inFlight: 32, concurrency: 1 },
  { inFlight: 32, concurrency: 32 },
] as const satisfies readonly Cell[];

export const tripsName = ({ inFlight, concurrency }: Cell) =>
  `round trips per job, ${inFlight} in flight, ${concurrency} at a time`;

interface Command {
  readonly address: string;
  readonly args: readonly string[];
}

/** A worker says that it lives, and a connection asks whether the server does. */
function isHeartbeat([name = "", , , workers = "", worker = ""]: readonly string[]): boolean {
  if (name.toUpperCase() === "PING") return true;
  return /^evalsha$/i.test(name) && workers.endsWith(":workers") && worker.includes(":worker:");
}

async function addressesOfWorker(redis: Redis): Promise<string[]> {
  const list = (await redis.call("CLIENT", "LIST")) as string;
  const own = list.split("\n").filter((line) => line.includes(` user=${LOGIN.username} `));
  return own.map((line) => / addr=(\S+)/.exec(line)?.[1] ?? "");
}

/** MONITOR keeps silent about this one; nobody but the worker sends it. */
async function countUnblocks(redis: Redis): Promise<number> {
  const stats = await redis.info("commandstats");
  return Number(/^cmdstat_client\|unblock:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

/** All that Redis got until now is told when this comes back. */
async function untilTold(redis: Redis, monitor: Redis): Promise<void> {
  const mark = randomUUID();
  const told = new Promise<void>((resolve) => {
    const look = (_time: string, args: readonly string[]) => {
      if (args[1] !== mark) return;
      monitor.off("monitor", look);
      resolve();
    };
    monitor.on("monitor", look);
  });
  await redis.echo(mark);
  await told;
}

/** What the worker sent while `load` ran. */
async function commandsDuring(
  { redis, monitor }: { redis: Redis; monitor: Redis },
  load: () => Promise<unknown>,
): Promise<Command[]> {
  await untilTold(redis, monitor);
  const commands: Command[] = [];
  monitor.on("monitor", (_time: string, args: string[], address: string) =>
    commands.push({ address, args }),
  );
  const before = await addressesOfWorker(redis);
  const unblocksBefore = await countUnblocks(redis);
  await load();
  const unblockCount = (await countUnblocks(redis)) - unblocksBefore;
  const own = new Set([...before, ...(await addressesOfWorker(redis))]);
  await untilTold(redis, monitor);
  const unblocks = Array.from({ length: unblockCount }, () => ({
    address: "",
    args: ["CLIENT UNBLOCK"],
  }));
  return [...commands.filter(({ address }) => own.has(address)), ...unblocks];
}

async function countOnce(bench: Bench, cell: Cell): Promise<void> {
  const { processes, figures } = bench;
  const { inFlight: clients, concurrency } = cell;
  const port = await startRedis(processes);
  const redis = new Redis({ host: "127.0.0.1", port });
  // Before anybody else is there: its client takes what is told at once for an answer.
  const monitor = await redis.monitor();
  try {
    const { username, password } = LOGIN;
    await redis.call("ACL", "SETUSER", username, "on", `>${password}`, "~*", "&*", "+@all");
    const worker = await processes.node("processes/redis-pipeline.ts");
    await worker.call("start", { port, concurrency, login: LOGIN });
    const client = await processes.node("processes/redis-client.ts");
    await client.call("connect", { port });
    const load = { bytes: KB, clients, durationMs: 30_000 };
    await client.call("jobs", { ...load, countMax: WARM_UP_COUNT });
    let count = 0;
    const sent = await commandsDuring({ redis, monitor }, async () => {
      const countMax = bench.isQuick ? COUNT_QUICK : COUNT;
      ({ count } = await client.call<LoadResult>("jobs", { ...load, countMax }));
    });
    const trips = sent.filter(({ args }) => !isHeartbeat(args));
    const name = tripsName(cell);
    const heartbeats = (sent.length - trips.length) / count;
    figures.add(REDIS, name, { unit: "per job", value: trips.length / count });
    figures.add(REDIS, `${name}: heartbeats`, { unit: "per job", value: heartbeats });
    const counts = new Map<string, number>();
    for (const { args } of trips) counts.set(args[0] ?? "", (counts.get(args[0] ?? "") ?? 0) + 1);
    const each = [...counts].map(([command, times]) => `${command} ${(times / count).toFixed(2)}`);
    figures.notes.push(`${name}: ${each.join(", ")}`);
  } finally {
    monitor.disconnect();
    redis.disconnect();
  }
}

export async function countRoundTrips(bench: Bench): Promise<void> {
  for (const cell of TRIP_CELLS) {
    bench.say(`redis, ${tripsName(cell)}`);
    await countOnce(bench, cell);
    await bench.processes.endAll();
  }
}
