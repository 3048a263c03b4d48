import { bodyOf } from "./harness/bodies.js";
import { Broker } from "./harness/broker.js";
import { Producer, targetOf } from "./harness/clients.js";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf, jobText, startPipeline, TASK_QUEUE } from "./harness/jobs.js";
import { Proc } from "./harness/processes.js";
import { ResultReader } from "./harness/results.js";
import { quantile, sleep } from "./harness/waits.js";
import { checkHistory, History, tell } from "./history.js";

const CLIENTS = 6;
/** Drain times and what comes besides, as the command line promises them. */
const EXIT_MS_MAX = 10_000;
const FIRST_PORT = 20_000;

export const f32: Fault = {
  name: "F32",
  title: "SIGTERM under load: rolling restarts of brokers and pipelines",
  limitMs: 1_500_000,
  async run(trial) {
    const restarts = trial.count(200, 6);
    // Pipelines find the broker where it was.
    const port = FIRST_PORT + trial.random.below(10_000);
    const dataDir = trial.folder();
    const broker = await Broker.start(trial, { dataDir, port, args: ["--max-queue-size", "0"] });
    const history = new History();
    const load = new Load(trial, broker, history);
    const pipelines = [await startOwn(trial, port), await startMillrace(trial, port)];
    const exitMs: number[] = [];
    for (let restart = 0; restart < restarts; restart++) {
      await Promise.race([sleep(trial.random.between(50, 600)), load.failed, broker.died]);
      // Every third is the broker; then the pipelines in turn, ours and the command line's.
      if (restart % 3 === 0) {
        exitMs.push(await stop(trial, broker, `broker, restart ${restart}`));
        await broker.start();
      } else {
        const which = restart % 3 === 1 ? 0 : 1;
        const pipeline = pipelines[which] as Proc;
        exitMs.push(await stop(trial, pipeline, `pipeline ${which}, restart ${restart}`));
        pipelines[which] =
          which === 0 ? await startOwn(trial, port) : await startMillrace(trial, port);
      }
    }
    const endings = await Promise.race([load.finish(), load.failed, broker.died]);
    const violations = checkHistory(history.events, {
      isDrained: true,
      orderedQueues: [],
      hasResults: true,
    });
    for (const { kind, what } of violations) trial.problem(`${kind}: ${what}`);
    const others = endings.filter((ending) => ending !== "success");
    trial.check(others.length === 0, `${others.length} jobs ended as ${[...new Set(others)]}`);
    trial.check(endings.length > restarts, `only ${endings.length} jobs`);
    const found = tell(violations, ["noResult", "twoResults", "duplicate"]);
    const p99 = Math.round(quantile(exitMs, 0.99));
    return `${restarts} restarts, ${endings.length} jobs: given up ${others.length}, ${found}; exit p99 ${p99} ms`;
  },
};

const startOwn = (trial: Trial, port: number) =>
  startPipeline(trial, { port, leaseMs: 5_000, concurrency: 4, isQuiet: true });

/** The command line's pipeline; a job without tasks goes through its stages untouched. */
async function startMillrace(trial: Trial, port: number): Promise<Proc> {
  const broker = `simple://127.0.0.1:${port}`;
  const args = [
    "pipeline",
    "--broker",
    broker,
    "--json",
    "--concurrency",
    "4",
    "--max-threads",
    "1",
  ];
  const pipeline = Proc.millrace(trial, args);
  await pipeline.event("ready");
  return pipeline;
}

async function stop(trial: Trial, process: Broker | Proc, what: string): Promise<number> {
  const { code, signal, ms } = await process.stop();
  trial.check(code === 0, `${what}: it ended with ${code ?? signal}`);
  trial.check(ms < EXIT_MS_MAX, `${what}: it took ${Math.round(ms)} ms`);
  return ms;
}

/** Clients that submit jobs and fetch their results, one after the other. */
class Load {
  readonly failed: Promise<never>;
  readonly #clients: Promise<string[]>[];
  #isStopped = false;

  constructor(trial: Trial, broker: Broker, history: History) {
    const target = targetOf(broker);
    this.#clients = Array.from({ length: CLIENTS }, async (_, client) => {
      const producer = new Producer({ history, target });
      const reader = new ResultReader(target, history);
      trial.defer(() => {
        this.#isStopped = true;
        producer.close();
        reader.close();
      });
      const endings: string[] = [];
      for (let number = 0; !this.#isStopped; number++) {
        const { tag } = bodyOf(`c${client}-${number}`, 0);
        const text = jobText(`work ${number % 30}`, tag);
        const jobId = await producer.push(TASK_QUEUE, { tag, text }, { isJob: true });
        endings.push(endingOf(await reader.fetch(jobId)));
      }
      return endings;
    });
    this.failed = new Promise((_, reject) => {
      for (const client of this.#clients) client.catch(reject);
    });
    this.failed.catch(() => {});
  }

  async finish(): Promise<string[]> {
    this.#isStopped = true;
    return (await Promise.all(this.#clients)).flat();
  }
}
