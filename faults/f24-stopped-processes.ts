import { encodePush } from "millrace/wire";
import { Broker } from "./harness/broker.js";
import { jobFrame, onLine, popFrame, push, pushOn } from "./harness/calls.js";
import { targetOf } from "./harness/clients.js";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf, jobText, startPipeline, TASK_QUEUE } from "./harness/jobs.js";
import type { Proc } from "./harness/processes.js";
import { RawLine } from "./harness/raw-line.js";
import { ResultReader } from "./harness/results.js";
import { sleep, until } from "./harness/waits.js";

const LEASE_MS = 1_000;
const LATE = /a late result was refused/g;
/** A worker that goes on after its lease has so long to hand in its result. */
const ZOMBIE_MS = 1_500;

export const f24: Fault = {
  name: "F24",
  title: "SIGSTOP of a worker for longer than its lease, and of the broker, then SIGCONT",
  limitMs: 600_000,
  async run(trial) {
    const broker = await Broker.start(trial, { dataDir: trial.folder() });
    const settings = { port: broker.port, leaseMs: LEASE_MS, concurrency: 1 };
    const workers = [await startPipeline(trial, settings), await startPipeline(trial, settings)];
    const reader = new ResultReader(targetOf(broker));
    trial.defer(() => reader.close());
    const rounds = trial.count(30, 2);
    let commits = 0;
    for (let round = 0; round < rounds; round++) {
      // One whose timers still run in between, and one that goes on in the middle of its function.
      const order = round % 2 === 0 ? "block 400" : "work 400";
      commits += await stopWorker({ trial, broker, workers, reader }, order, round);
    }
    commits += await rawZombie(trial, broker, reader);
    const stopped = await stopBroker({ trial, broker, workers, reader }, trial.count(10, 1));
    const refused = broker.log.match(LATE)?.length ?? 0;
    trial.check(refused > 0, "no late result was refused");
    return `${rounds} workers stopped: zombie commits ${commits}, ${refused} late results refused; ${stopped}`;
  },
};

interface Scene {
  readonly trial: Trial;
  readonly broker: Broker;
  readonly workers: readonly Proc[];
  readonly reader: ResultReader;
}

/** The number of results that came from the worker that had lost its lease. */
async function stopWorker(scene: Scene, order: string, round: number): Promise<number> {
  const { trial, broker, workers, reader } = scene;
  const seen = workers.map(({ lines }) => lines.length);
  const pushed = await onLine(broker.port, (line) =>
    pushOn(line, jobFrame(TASK_QUEUE, jobText(order, `round ${round}`))),
  );
  const jobId = "id" in pushed ? pushed.id : "";
  const begins = workers.map((worker, index) =>
    worker.event("begun", { from: seen[index] as number }).then(() => index),
  );
  for (const begin of begins) begin.catch(() => {});
  const first = await Promise.race(begins);
  const zombie = workers[first] as Proc;
  zombie.signal("SIGSTOP");
  const text = await reader.fetch(jobId);
  trial.check(endingOf(text) === "success", `round ${round}: the job ended as ${endingOf(text)}`);
  const isOther = (await begins[1 - first]) === 1 - first;
  trial.check(isOther, `round ${round}: nobody else did the job`);
  zombie.signal("SIGCONT");
  await sleep(ZOMBIE_MS);
  const again = await reader.fetch(jobId);
  trial.check(again === text, `round ${round}: the result changed`);
  return again === text ? 0 : 1;
}

/** A consumer that was silent for too long hands in a result under its old lease. */
async function rawZombie(trial: Trial, broker: Broker, reader: ResultReader): Promise<number> {
  const { port } = broker;
  const pushed = await onLine(port, (line) =>
    pushOn(line, jobFrame("raw", jobText("work", "raw"))),
  );
  const jobId = "id" in pushed ? pushed.id : "";
  const zombie = await RawLine.open(port);
  const { transactionId } = await zombie.ask(popFrame("raw", LEASE_MS / 1000));
  await zombie.read();
  const forNvIngest = false;
  const late = encodePush(jobId, "late", {
    forNvIngest,
    timeoutS: 5,
    leaseId: String(transactionId),
  });
  const refused = await onLine(port, (line) => pushOn(line, late));
  const isRefused = "refusal" in refused && refused.refusal === "Lease is over";
  trial.check(isRefused, `a result under an old lease: ${JSON.stringify(refused)}`);
  zombie.drop();
  // Another one answers, and then it is too late for anybody.
  await push(port, jobId, "in time");
  const after = await onLine(port, (line) => pushOn(line, late));
  trial.check("refusal" in after, "a second result was stored");
  const text = await reader.fetch(jobId);
  trial.check(text === "in time", `the result is "${text}"`);
  return isRefused && text === "in time" ? 0 : 1;
}

async function stopBroker(scene: Scene, rounds: number): Promise<string> {
  const { trial, broker, reader } = scene;
  const jobs = 20;
  let unanswered = 0;
  for (let round = 0; round < rounds; round++) {
    const ids = await onLine(broker.port, async (line) => {
      const pushed: string[] = [];
      for (let number = 0; number < jobs; number++) {
        const text = jobText("work 50", `stop ${round} ${number}`);
        const each = await pushOn(line, jobFrame(TASK_QUEUE, text));
        if ("id" in each) pushed.push(each.id);
      }
      return pushed;
    });
    broker.proc.signal("SIGSTOP");
    await sleep(LEASE_MS * 2);
    broker.proc.signal("SIGCONT");
    for (const jobId of ids) {
      const ending = endingOf(await reader.fetch(jobId));
      if (ending !== "success") unanswered++;
      trial.check(ending === "success", `broker stopped: job ${jobId} ended as ${ending}`);
    }
    await until("nothing is left", 20_000, async () => {
      const { response } = await onLine(broker.port, (line) => line.ask(popFrame(TASK_QUEUE, 0)));
      return response === null;
    });
  }
  return `broker stopped ${rounds} times: ${unanswered} of ${rounds * jobs} jobs not done`;
}
