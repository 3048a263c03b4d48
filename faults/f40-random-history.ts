import { SimpleClient } from "millrace";
import { encodeSizeRequest } from "millrace/wire";
import { bodyOf } from "./harness/bodies.js";
import { Broker } from "./harness/broker.js";
import { onLine, size } from "./harness/calls.js";
import { Consumer, Producer, targetOf } from "./harness/clients.js";
import type { Fault, Trial } from "./harness/fault.js";
import { type Ending, endingOf, jobText, TASK_QUEUE } from "./harness/jobs.js";
import { Proc } from "./harness/processes.js";
import { FaultProxy } from "./harness/proxy.js";
import { ResultReader } from "./harness/results.js";
import { sleep, until } from "./harness/waits.js";
import { checkHistory, History, tell } from "./history.js";

const CLIENTS = 64;
const WORKERS = 3;
const ORDERED_QUEUE = "ordered";
const CANCEL_SHARE = 0.02;
/** A message whose line was cut is back in less. */
const QUIET_MS = 3_000;
/** Of the clients' connections so many lose a response in the middle. */
const CUT_SHARE = 0.3;
/** Between two kills. */
const KILL_MIN_MS = 300;
const KILL_MAX_MS = 2_500;
const BROKER_KILL_SHARE = 0.35;
const FINAL_BYTES = 170;
const REFETCH_SHARE = 0.02;

export const f40: Fault = {
  name: "F40",
  title: "a random history: kills, cancels, lost finals",
  limitMs: 3_000_000,
  async run(trial) {
    const jobs = trial.count(100_000, 2_000);
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: ["--max-queue-size", "0", "--segment-bytes", `${4 * 1024 * 1024}`],
    });
    const toBroker = () => broker.port;
    const lossy = await FaultProxy.start(trial, toBroker);
    const plain = await FaultProxy.start(trial, toBroker);
    lossy.plan = () =>
      trial.random.chance(CUT_SHARE)
        ? {
            cutAnswer: { frame: trial.random.between(1, 8), byte: trial.random.below(FINAL_BYTES) },
            with: "reset",
          }
        : {};
    const history = new History();
    const workers = new Workers(trial, plain.port);
    await workers.start();
    const ordered = orderedTraffic(trial, broker, history);
    const killer = new Killer(trial, broker, workers);
    const target = { port: () => lossy.port, up: () => broker.up() };
    const failedIds = new Set<string>();
    const endings = await Promise.race([
      runJobs({ trial, target, history, jobs, failedIds }),
      ordered.failed,
      killer.failed,
      broker.died,
    ]);
    const kills = await killer.stop();
    await ordered.finish();
    await until("the queue of jobs is empty", 60_000, async () => {
      return (await size(broker.port, TASK_QUEUE)) === 0;
    });
    const violations = checkHistory(history.events, {
      isDrained: true,
      orderedQueues: [ORDERED_QUEUE],
      hasResults: true,
    });
    for (const { kind, what } of violations) trial.problem(`${kind}: ${what}`);
    const letters = await checkLetters(trial, broker.port, failedIds);
    const { success, cancelled, failed, givenUp } = endings;
    const orderedCount = history.count("settled");
    const found = tell(violations, ["noResult", "twoResults", "lost", "phantom", "order"]);
    return (
      `${jobs} jobs (${success} done, ${failed} failed, ${cancelled} cancelled, ${givenUp} given up), ` +
      `${orderedCount} ordered messages, kills: broker ${kills.broker}, pipelines ${kills.workers}, ` +
      `${letters} dead letters, ${lossy.cuts} lines cut: ${found}; histories checked 1`
    );
  },
};

/** Each job that failed is a dead letter that says so, and no other job is one of these. */
async function checkLetters(
  trial: Trial,
  port: number,
  failedIds: ReadonlySet<string>,
): Promise<number> {
  await using client = new SimpleClient({ port });
  const missing = new Set(failedIds);
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await client.deadLetters.list({ after });
    const last = page.letters.at(-1);
    if (last === undefined) break;
    after = last.jobId;
    for (const { jobId, cause } of page.letters) {
      count++;
      if (cause !== "failed") continue;
      if (!missing.delete(jobId)) trial.problem(`job ${jobId} is a dead letter and did not fail`);
    }
  }
  for (const jobId of missing) trial.problem(`job ${jobId} failed and is no dead letter`);
  return count;
}

/** Pipelines that are started again when they die. */
class Workers {
  readonly #trial: Trial;
  readonly #port: number;
  readonly #running: Proc[] = [];
  #isStopped = false;

  constructor(trial: Trial, port: number) {
    this.#trial = trial;
    this.#port = port;
    trial.defer(() => {
      this.#isStopped = true;
    });
  }

  async start(): Promise<void> {
    for (let slot = 0; slot < WORKERS; slot++) this.#keep(slot);
    await Promise.all(this.#running.map((worker) => worker.event("ready")));
  }

  kill(): void {
    this.#trial.random.pick(this.#running).signal("SIGKILL");
  }

  #keep(slot: number): void {
    const settings = { port: this.#port, leaseMs: 5_000, concurrency: 12, isQuiet: true };
    const worker = Proc.script(this.#trial, ["pipeline.mjs", JSON.stringify(settings)]);
    this.#running[slot] = worker;
    worker.ended.then(() => {
      if (!this.#isStopped) this.#keep(slot);
    });
  }
}

/** Kills now the broker, now a pipeline, until it is stopped. */
class Killer {
  readonly failed: Promise<never>;
  readonly #run: Promise<void>;
  readonly #counts = { broker: 0, workers: 0 };
  #isStopped = false;

  constructor(trial: Trial, broker: Broker, workers: Workers) {
    this.#run = this.#killOn(trial, broker, workers);
    this.failed = new Promise((_, reject) => this.#run.catch(reject));
    this.failed.catch(() => {});
    trial.defer(() => {
      this.#isStopped = true;
    });
  }

  async stop(): Promise<{ broker: number; workers: number }> {
    this.#isStopped = true;
    await this.#run;
    return this.#counts;
  }

  async #killOn(trial: Trial, broker: Broker, workers: Workers): Promise<void> {
    while (!this.#isStopped) {
      await sleep(trial.random.between(KILL_MIN_MS, KILL_MAX_MS));
      if (trial.random.chance(BROKER_KILL_SHARE)) {
        this.#counts.broker++;
        await broker.kill();
        await broker.start();
      } else {
        this.#counts.workers++;
        workers.kill();
      }
    }
  }
}

/** One producer and one consumer beside the jobs, so that the order can be checked. */
function orderedTraffic(trial: Trial, broker: Broker, history: History) {
  const scene = { history, target: targetOf(broker) };
  const producer = new Producer(scene);
  const consumer = new Consumer(ORDERED_QUEUE, scene);
  let isStopped = false;
  const producing = (async () => {
    for (let number = 0; !isStopped; number++) {
      await producer.push(ORDERED_QUEUE, bodyOf(`o${number}`, trial.random.below(2_000)));
      await sleep(trial.random.below(20));
    }
  })();
  const consuming = consumer.run();
  trial.defer(() => {
    isStopped = true;
    producer.close();
    consumer.stop();
  });
  const failed = new Promise<never>((_, reject) => {
    for (const each of [producing, consuming]) each.catch(reject);
  });
  failed.catch(() => {});
  const finish = async () => {
    isStopped = true;
    await producing;
    let quiet = { events: 0, sinceMs: 0 };
    await until("the ordered queue is fetched", 60_000, async () => {
      const frame = encodeSizeRequest(ORDERED_QUEUE);
      const { response } = await onLine(broker.port, (line) => line.ask(frame));
      if (response !== "0") return false;
      const { length } = history.events;
      if (length !== quiet.events) quiet = { events: length, sinceMs: performance.now() };
      const last = history.events.at(-1)?.kind;
      // The word that the last message is settled may have been on a line that was cut. Then nothing
      // more is heard of it, unless it comes again, which is soon.
      const isQuiet = performance.now() - quiet.sinceMs > QUIET_MS;
      return last === "settled" || (last === "settling" && isQuiet);
    });
    consumer.stop();
    await consuming;
  };
  return { failed, finish };
}

interface JobsMeans {
  readonly trial: Trial;
  readonly target: { port(): number; up(): Promise<void> };
  readonly history: History;
  readonly jobs: number;
  /** Gets the jobs that a stage failed. */
  readonly failedIds: Set<string>;
}

/** Clients that submit, now and then cancel, fetch, and now and then fetch again. */
async function runJobs({
  trial,
  target,
  history,
  jobs,
  failedIds,
}: JobsMeans): Promise<Record<Ending, number>> {
  const endings: Record<Ending, number> = { success: 0, failed: 0, cancelled: 0, givenUp: 0 };
  let next = 0;
  let told = 0;
  const client = async () => {
    const random = trial.random.fork();
    const producer = new Producer({ history, target });
    const [reader, other] = [new ResultReader(target, history), new ResultReader(target, history)];
    trial.defer(() => {
      for (const each of [producer, reader, other]) each.close();
    });
    while (next < jobs) {
      const tag = `j${next++}`;
      const order = random.chance(0.005) ? "throw" : `work ${random.below(4)}`;
      const text = jobText(order, tag);
      const jobId = await producer.push(TASK_QUEUE, { tag, text }, { isJob: true });
      const isCancelled = random.chance(CANCEL_SHARE);
      const cancelling = isCancelled
        ? sleep(random.below(30)).then(() => other.cancel(jobId))
        : undefined;
      const ending = endingOf(await reader.fetch(jobId));
      endings[ending]++;
      if (ending === "failed") failedIds.add(jobId);
      const outcome = await cancelling;
      // "over" may also be said by a repetition of the call that cancelled it.
      if (outcome === "cancelled" && ending !== "cancelled") {
        trial.problem(`job ${jobId} was cancelled, and its result says ${ending}`);
      }
      if (ending === "cancelled" && !isCancelled) trial.problem(`nobody cancelled job ${jobId}`);
      if (random.chance(REFETCH_SHARE)) await reader.fetch(jobId);
      if (next - told >= 10_000) {
        told = next;
        trial.note(`${next} of ${jobs} jobs`);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return endings;
}
