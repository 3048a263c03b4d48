import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RedisClientConfig } from "millrace";
import type { RedisClient } from "millrace/client";
import { freePort } from "../test/helpers/free-port.js";
import { startSentinel } from "../test/helpers/redis-sentinel.js";
import type { Fault, Trial } from "./harness/fault.js";
import type { Proc } from "./harness/processes.js";
import {
  cleanupOf,
  clientOf,
  configOf,
  countResults,
  Load,
  openRaw,
  roundTrip,
  type Server,
  startServer,
  startWorker,
} from "./harness/redis.js";
import { sleep, until } from "./harness/waits.js";

const LOST = /Redis has lost what it held/;
/** How long what is wrong stays so. */
const OUTAGE_MS = 1_500;
/** Figures of time never decide, but work must go on. */
const RESUME_MS = 30_000;
/** A job whose lease had to end, too, is done by then. */
const LOST_MS = 10_000;
const WORKERS = 2;

export const f28: Fault = {
  name: "F28",
  title: "Redis is killed, emptied, failed over, read-only, full, locked, without scripts",
  limitMs: 900_000,
  async run(trial) {
    const rounds = trial.count(20, 1);
    const figures: string[] = [];
    for (const [name, harm] of HARMS) {
      const times: number[] = [];
      let more = "";
      for (let round = 0; round < rounds; round++) {
        const { resumeMs, note = "" } = await harm(trial, `${name}, round ${round}`);
        trial.check(resumeMs < RESUME_MS, `${name}: work went on after ${resumeMs} ms only`);
        times.push(resumeMs);
        more = note;
      }
      figures.push(`${name} ${Math.round(Math.max(...times))} ms${more}`);
    }
    return `work goes on after: ${figures.join(", ")}`;
  },
};

interface Outcome {
  /** From the moment in which Redis was well again to the next result of a new job. */
  readonly resumeMs: number;
  readonly note?: string;
}

const HARMS: readonly (readonly [string, (trial: Trial, name: string) => Promise<Outcome>])[] = [
  ["killed", killed],
  ["emptied", emptied],
  ["failed over", failedOver],
  ["read-only", readOnly],
  ["full", full],
  ["other password", otherPassword],
  ["scripts flushed", scriptsFlushed],
];

interface Scene {
  readonly client: RedisClient;
  readonly clientLog: readonly string[];
  readonly workers: readonly Proc[];
  readonly load: Load;
  /** Ends workers and clients. */
  end(): Promise<void>;
}

async function open(trial: Trial, config: RedisClientConfig): Promise<Scene> {
  const clientLog: string[] = [];
  const client = clientOf(trial, config, clientLog);
  const starting = Array.from({ length: WORKERS }, () =>
    startWorker(trial, { brokerClient: config }),
  );
  const workers = await Promise.all(starting);
  const load = new Load(trial, client);
  await until("the first results", 30_000, () => load.answered > 20);
  const end = async () => {
    await load.abandon();
    await client.close();
    await Promise.all(workers.map((worker) => worker.kill()));
  };
  return { client, clientLog, workers, load, end };
}

/** Work has gone on: every job has its one result, and nobody spoke of losses. */
async function finish(
  trial: Trial,
  scene: Scene,
  { name, redis, keepsResults = true }: { name: string; redis: Server; keepsResults?: boolean },
): Promise<Outcome> {
  const resumeMs = await roundTrip(trial, scene.client, name);
  await scene.load.finish();
  const { none, several } = await countResults(redis, scene.load.jobIds);
  trial.check(several === 0, `${name}: ${several} results are there twice`);
  if (keepsResults) trial.check(none === 0, `${name}: ${none} results are gone`);
  for (const worker of scene.workers) {
    trial.check(!worker.isOver, `${name}: a worker ended: ${worker.stderr.slice(-500)}`);
    trial.check(!LOST.test(worker.stderr), `${name}: a worker spoke of lost data`);
  }
  await scene.end();
  return { resumeMs };
}

async function killed(trial: Trial, name: string): Promise<Outcome> {
  const redis = await startServer(trial);
  const scene = await open(trial, configOf(redis.port));
  await redis.kill("SIGKILL");
  await sleep(OUTAGE_MS);
  await redis.restart();
  return finish(trial, scene, { name, redis });
}

async function emptied(trial: Trial, name: string): Promise<Outcome> {
  const redis = await startServer(trial, { appendonly: false });
  const { client, clientLog, workers, load, end } = await open(trial, configOf(redis.port));
  await redis.kill("SIGKILL");
  await redis.restart();
  const resumeMs = await roundTrip(trial, client, name);
  // Whoever was there before tells that something is gone.
  await Promise.all(workers.map((worker) => worker.logged(LOST, 20_000)));
  await until(`${name}: the client tells`, 20_000, () => clientLog.some((each) => LOST.test(each)));
  const lost = await load.abandon();
  await end();
  return { resumeMs, note: ` (${lost} jobs lost and told)` };
}

async function failedOver(trial: Trial, name: string): Promise<Outcome> {
  const primary = await startServer(trial);
  const replica = await startServer(trial, { replicaOf: primary });
  const sentinel = await startSentinel(primary, { test: cleanupOf(trial) });
  const sentinels = sentinel.sentinels.map(({ host, port }) => ({ host, port }));
  const brokerParams = { sentinels, sentinelName: sentinel.name };
  const scene = await open(trial, configOf(primary.port, brokerParams));
  const { load, client } = scene;
  const before = load.jobIds.length;
  await primary.kill("SIGKILL");
  const killedAtMs = performance.now();
  await sentinel.switched();
  const switchMs = Math.round(performance.now() - killedAtMs);
  const resumeMs = await roundTrip(trial, client, name);
  await until("jobs of afterwards", 30_000, () => load.jobIds.length > before + 20);
  // Replication is behind by what was acknowledged last: such jobs can be lost, and are counted.
  const lost = (await load.ends(LOST_MS)) ? 0 : await load.abandon();
  const { several } = await countResults(replica, load.jobIds);
  trial.check(several === 0, `${name}: ${several} results are there twice`);
  await scene.end();
  return { resumeMs, note: ` (after ${switchMs} ms of Sentinel; ${lost} jobs lost)` };
}

async function readOnly(trial: Trial, name: string): Promise<Outcome> {
  const redis = await startServer(trial);
  const scene = await open(trial, configOf(redis.port));
  // Of a primary that does not exist, so that it keeps what it has.
  await redis.command("REPLICAOF", "127.0.0.1", await freePort("127.0.0.1"));
  await sleep(OUTAGE_MS);
  await redis.command("REPLICAOF", "NO", "ONE");
  return finish(trial, scene, { name, redis });
}

async function full(trial: Trial, name: string): Promise<Outcome> {
  const redis = await startServer(trial);
  const scene = await open(trial, configOf(redis.port));
  await redis.command("CONFIG", "SET", "maxmemory", "1mb");
  const answered = await settled(scene.load);
  await sleep(OUTAGE_MS);
  trial.check(scene.load.answered === answered, `${name}: work went on while it was full`);
  await redis.command("CONFIG", "SET", "maxmemory", "0");
  return finish(trial, scene, { name, redis });
}

/** The number of results when no more come. */
async function settled(load: Load): Promise<number> {
  let seen = -1;
  await until("no more results", 10_000, async () => {
    const isSame = load.answered === seen;
    seen = load.answered;
    if (!isSame) await sleep(200);
    return isSame;
  });
  return seen;
}

async function otherPassword(trial: Trial, name: string): Promise<Outcome> {
  const server = await startServer(trial, { password: "first" });
  const redis = await openRaw(trial, server.port, "first");
  const passwordFile = join(trial.folder(), "password");
  writeFileSync(passwordFile, "first\n");
  const scene = await open(trial, configOf(server.port, { passwordFile }));
  // Whoever is in stays in, so all are put out; with the old password nobody comes in again.
  await redis.command("CONFIG", "SET", "requirepass", "second");
  await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await redis.command("CLIENT", "KILL", "TYPE", "pubsub");
  await sleep(OUTAGE_MS);
  writeFileSync(passwordFile, "second\n");
  return finish(trial, scene, { name, redis });
}

async function scriptsFlushed(trial: Trial, name: string): Promise<Outcome> {
  const redis = await startServer(trial);
  const scene = await open(trial, configOf(redis.port));
  for (let flush = 0; flush < 20; flush++) {
    await redis.command("SCRIPT", "FLUSH");
    await sleep(20);
  }
  return finish(trial, scene, { name, redis });
}
