import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RedisServer } from "../test/helpers/redis-server.js";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf } from "./harness/jobs.js";
import { Proc, pathOf } from "./harness/processes.js";
import {
  claims,
  clientOf,
  configOf,
  countResults,
  deathsIn,
  fetchResult,
  startServer,
  startWorker,
  submitJob,
} from "./harness/redis.js";
import { eachOf, sleep, until } from "./harness/waits.js";

const WORKERS = 4;
const CONCURRENCY = 2;
const LEASE_MS = 2_000;
const KILL_EVERY_MS = 1_000;
/** Jobs that are open at a time. */
const WIDTH = 64;

export const r01: Fault = {
  name: "R1",
  title: "Redis: a worker is killed each second, and Redis itself in the middle",
  limitMs: 600_000,
  async run(trial) {
    const redis = await startServer(trial);
    const crew = new Crew(trial, redis);
    await crew.start();
    const client = clientOf(trial, configOf(redis.port));
    const jobs = trial.count(20_000, 1_600);
    const results = new Map<string, string>();
    let isOver = false;
    const killing = crew.killAtRandom(() => isOver);
    const restarting = restartInTheMiddle(redis, () => results.size >= jobs / 2 || isOver);
    for (const harm of [killing, restarting]) harm.catch(() => {});
    let unanswered = 0;
    await eachOf(jobs, WIDTH, async (number) => {
      const jobId = await submitJob(client, `work ${trial.random.between(5, 20)}`, `${number}`);
      const text = await fetchResult(client, jobId);
      if (text === undefined) unanswered++;
      else results.set(jobId, text);
    });
    isOver = true;
    const [kills] = await Promise.all([killing, restarting]);

    trial.check(unanswered === 0, `${unanswered} jobs were not answered`);
    const endings = [...results.values()].map(endingOf);
    const failed = endings.filter((ending) => ending === "failed").length;
    trial.check(failed === 0, `${failed} jobs failed`);
    const { none, several } = await countResults(redis, [...results.keys()]);
    trial.check(several === 0, `${several} jobs have several results`);
    trial.check(none === 0, `${none} jobs have no result any more`);
    await until("no worker holds anything", 20_000, async () => (await claims(redis)).length === 0);
    trial.check((await client.size("ingest_task_queue")) === 0, "the queue is not empty");

    // Another client gets the same results, also of those before the restart.
    const other = clientOf(trial, configOf(redis.port));
    await eachOf(200, WIDTH, async () => {
      const [jobId, text] = trial.random.pick([...results.entries()]);
      const again = await fetchResult(other, jobId, 5_000);
      trial.check(again === text, `another client gets another result of ${jobId}`);
    });

    const deaths = deathsIn(crew.logs());
    const givenUp = endings.filter((ending) => ending === "givenUp").length;
    const letters = (await client.deadLetters.list()).count;
    trial.check(letters === givenUp, `${letters} dead letters for ${givenUp} jobs given up`);
    const thrice = [...deaths.values()].filter((count) => count >= 3).length;
    trial.check(givenUp <= thrice, `${givenUp} given up, and only ${thrice} died three times`);
    return (
      `${jobs} jobs, ${kills} workers killed, Redis once: unanswered ${unanswered}, failed ${failed}, ` +
      `twice ${several}; ${deaths.size} redelivered, ${givenUp} given up after three deaths`
    );
  },
};

/** Workers that are started again when they were killed: ours, and the command line's. */
class Crew {
  readonly #trial: Trial;
  readonly #redis: RedisServer;
  readonly #workers: Proc[] = [];
  readonly #past: string[] = [];
  readonly #config: string;

  constructor(trial: Trial, redis: RedisServer) {
    this.#trial = trial;
    this.#redis = redis;
    this.#config = join(trial.folder(), "pipeline.json");
    const stage = pathOf("processes/obeying-stage.mjs");
    const stages = [{ name: "obey", use: `${stage}#obey` }];
    writeFileSync(this.#config, JSON.stringify({ name: "obeying", stages }));
  }

  async start(): Promise<void> {
    for (let index = 0; index < WORKERS; index++) this.#workers.push(await this.#one(index));
  }

  /** How many it killed. */
  async killAtRandom(isOver: () => boolean): Promise<number> {
    const { random } = this.#trial;
    let kills = 0;
    while (!isOver()) {
      await sleep(KILL_EVERY_MS);
      const index = random.below(WORKERS);
      const worker = this.#workers[index] as Proc;
      await worker.kill();
      this.#past.push(worker.stderr);
      kills++;
      this.#workers[index] = await this.#one(index);
    }
    return kills;
  }

  logs(): string[] {
    return [...this.#past, ...this.#workers.map(({ stderr }) => stderr)];
  }

  async #one(index: number): Promise<Proc> {
    const { port, url } = this.#redis;
    if (index > 0) {
      const settings = { concurrency: CONCURRENCY, leaseMs: LEASE_MS };
      return startWorker(this.#trial, { ...settings, brokerClient: configOf(port) });
    }
    const where = ["pipeline", "--broker", url, "--config", this.#config, "--json"];
    const how = ["--concurrency", `${CONCURRENCY}`, "--lease-ms", `${LEASE_MS}`];
    const worker = Proc.millrace(this.#trial, [...where, ...how, "--max-threads", "1"]);
    await worker.event("ready");
    return worker;
  }
}

async function restartInTheMiddle(redis: RedisServer, isTime: () => boolean): Promise<void> {
  await until("the middle", 600_000, isTime);
  await redis.kill("SIGKILL");
  await redis.restart();
}
