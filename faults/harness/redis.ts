/** Servers of Redis for faults, and their clients, workers and a load of jobs that outlives harm. */
import { spawnSync } from "node:child_process";
import { createClient } from "@redis/client";
import type { Logger, RedisClientConfig } from "millrace";
import { RedisClient } from "millrace/client";
import {
  type RedisOptions,
  type RedisServer,
  startRedis,
} from "../../test/helpers/redis-server.js";
import type { Cleanup } from "../../test/helpers/start-broker.js";
import { Skip, type Trial } from "./fault.js";
import { endingOf, jobText, type PipelineSettings, startPipeline, TASK_QUEUE } from "./jobs.js";
import type { Proc } from "./processes.js";
import { sleep, within } from "./waits.js";

/** How long one job may take through any harm, before it counts as not answered. */
const JOB_MS = 30_000;
const WIDTH = 8;

type Params = NonNullable<RedisClientConfig["brokerParams"]>;

/** @throws Skip without a redis-server; where everything must be tried that is a failure. */
function needRedis(): void {
  const { error } = spawnSync("redis-server", ["--version"], { stdio: "ignore" });
  if (error === undefined) return;
  const text = "there is no redis-server on the PATH";
  throw process.env.CI === "true" ? new Error(text) : new Skip(text);
}

/** What the helpers of the tests need to clean up behind themselves. */
export const cleanupOf = (trial: Trial): Cleanup => ({
  onTestFinished: (cleanUp) => trial.defer(cleanUp as () => unknown),
});

/** A server that keeps all that it has acknowledged also when it is killed, unless told. */
export function startServer(trial: Trial, options: RedisOptions = {}): Promise<RedisServer> {
  needRedis();
  const kept = { appendonly: true, appendfsync: "always" as const };
  return startRedis({ ...kept, ...options, test: cleanupOf(trial) });
}

/** How a server at a port of this machine is reached. */
export const configOf = (port: number, brokerParams: Params = {}): RedisClientConfig => ({
  clientType: "redis",
  host: "127.0.0.1",
  port,
  brokerParams,
});

/** Sends commands as they are. */
export type Server = Pick<RedisServer, "command">;

/** A connection that stays, also when the password is changed. */
export async function openRaw(trial: Trial, port: number, password?: string): Promise<Server> {
  const socket = { host: "127.0.0.1", port };
  const client = createClient({ socket, RESP: 2, ...(password !== undefined && { password }) });
  client.on("error", () => {});
  await client.connect();
  trial.defer(() => client.destroy());
  return { command: (...args) => client.sendCommand(args.map((each) => String(each))) };
}

/** A client that never gives up by itself; `log` gets what it tells. */
export function clientOf(trial: Trial, config: RedisClientConfig, log: string[] = []): RedisClient {
  const note = (details: object, text?: string) => log.push(`${text} ${JSON.stringify(details)}`);
  const logger = { debug() {}, info: note, warn: note, error: note } as unknown as Logger;
  const patient = { ...config, maxRetries: Number.POSITIVE_INFINITY, maxBackoffMs: 500 };
  const client = new RedisClient(patient, { logger });
  trial.defer(() => client.close());
  return client;
}

export const startWorker = (trial: Trial, settings: PipelineSettings): Promise<Proc> =>
  startPipeline(trial, { concurrency: 4, leaseMs: 2_000, isQuiet: true, ...settings });

export async function submitJob(client: RedisClient, order: string, name: string): Promise<string> {
  const text = jobText(order, name);
  return (await client.submitMessage(TASK_QUEUE, text, { forNvIngest: true })).transactionId;
}

/** The result of a job; undefined when there is none in time. */
export const fetchResult = (
  client: RedisClient,
  jobId: string,
  timeoutMs = JOB_MS,
): Promise<string | undefined> => client.fetchMessage(jobId, { timeoutMs });

/** A job through everything, from its push to its result; how long that took in milliseconds. */
export async function roundTrip(trial: Trial, client: RedisClient, name: string): Promise<number> {
  const startedAtMs = performance.now();
  const jobId = await within(`${name}: a push`, JOB_MS, submitJob(client, "work 5", name));
  const text = await fetchResult(client, jobId);
  const ending = text === undefined ? "none" : endingOf(text);
  trial.check(ending === "success", `${name}: the result is ${ending}`);
  return performance.now() - startedAtMs;
}

/** Jobs that are pushed and awaited, one after the other in several lanes, until it is stopped. */
export class Load {
  readonly #trial: Trial;
  readonly #client: RedisClient;
  readonly #lanes: Promise<void>[];
  readonly #openJobs = new Set<string>();
  readonly #leaving = new AbortController();
  #isStopped = false;
  answered = 0;
  /** Ids of all jobs that were accepted. */
  readonly jobIds: string[] = [];

  constructor(trial: Trial, client: RedisClient) {
    this.#trial = trial;
    this.#client = client;
    const { random } = trial;
    this.#lanes = Array.from({ length: WIDTH }, async (_, lane) => {
      for (let number = 0; !this.#isStopped; number++) {
        await this.#one(`work ${random.between(5, 20)}`, `lane ${lane} ${number}`);
      }
    });
    for (const lane of this.#lanes) lane.catch(() => {});
    trial.defer(() => this.abandon());
  }

  /** No more jobs are pushed. */
  stop(): void {
    this.#isStopped = true;
  }

  /** No more jobs are pushed; whether all had their result in time. */
  async ends(ms: number): Promise<boolean> {
    this.stop();
    const all = Promise.all(this.#lanes).then(() => true);
    return Promise.race([all, sleep(ms).then(() => false)]);
  }

  /** Ends when all jobs have their result. */
  async finish(): Promise<void> {
    this.stop();
    await within("the end of the load", 2 * JOB_MS, Promise.all(this.#lanes));
  }

  /** Ends at once; how many jobs have no result. */
  async abandon(): Promise<number> {
    this.stop();
    this.#leaving.abort(new Error("the load was abandoned"));
    await Promise.all(this.#lanes);
    return this.#openJobs.size;
  }

  async #one(order: string, name: string): Promise<void> {
    const { signal } = this.#leaving;
    const jobId = await submitJob(this.#client, order, name);
    this.jobIds.push(jobId);
    this.#openJobs.add(jobId);
    let text: string | undefined;
    try {
      text = await this.#client.fetchMessage(jobId, { timeoutMs: JOB_MS, signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const ending = text === undefined ? "no result" : endingOf(text);
    this.#trial.check(ending === "success", `${name}: ${ending}`);
    this.#openJobs.delete(jobId);
    this.answered++;
  }
}

/** Sums over the result lists of jobs: how many have none, one, or more than one element. */
export async function countResults(
  redis: Server,
  jobIds: readonly string[],
): Promise<{ readonly none: number; readonly several: number }> {
  const script =
    "local none, several = 0, 0 for _, key in ipairs(KEYS) do local length = redis.call('LLEN', key) " +
    "if length == 0 then none = none + 1 elseif length > 1 then several = several + 1 end end " +
    "return {none, several}";
  const sums = { none: 0, several: 0 };
  for (let start = 0; start < jobIds.length; start += 1_000) {
    const some = jobIds.slice(start, start + 1_000);
    const [none, several] = (await redis.command("EVAL", script, some.length, ...some)) as number[];
    sums.none += none ?? 0;
    sums.several += several ?? 0;
  }
  return sums;
}

/** Messages that lie in places of workers. */
export async function claims(redis: Server): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = "0"; ; ) {
    const args = ["SCAN", cursor, "MATCH", "*:claim:*", "COUNT", 1_000] as const;
    const [next, keys] = (await redis.command(...args)) as [string, string[]];
    found.push(...keys);
    if (next === "0") return found;
    cursor = next;
  }
}

/** What workers logged, each in its form, of jobs whose worker had died: how often that was so. */
export function deathsIn(logs: readonly string[]): Map<string, number> {
  const deaths = new Map<string, number>();
  const lines = logs.flatMap((log) => log.split("\n"));
  for (const line of lines.filter((each) => each.includes("a worker died with this job"))) {
    const jobId = /"jobId":"([^"]+)"/.exec(line)?.[1] ?? "";
    const count = Number(/"deaths":(\d+)/.exec(line)?.[1]);
    deaths.set(jobId, Math.max(deaths.get(jobId) ?? 0, count));
  }
  return deaths;
}
