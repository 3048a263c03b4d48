import { Broker } from "./harness/broker.js";
import { jobFrame, onLine, pushOn } from "./harness/calls.js";
import { targetOf } from "./harness/clients.js";
import type { Fault } from "./harness/fault.js";
import { endingOf, failureOf, jobText, startPipeline, TASK_QUEUE } from "./harness/jobs.js";
import { ResultReader } from "./harness/results.js";
import { eachOf } from "./harness/waits.js";

const STAGE_MS = 800;
/** The promise is 250 ms; a busy machine gets more. */
const GRACE_MS = 5_000;
const FAILING = ["throw", "nothing", "foreign", "hang"];

export const f27: Fault = {
  name: "F27",
  title: "a stage throws, returns nothing, returns a wrong shape, never resolves",
  limitMs: 120_000,
  async run(trial) {
    const broker = await Broker.start(trial, { dataDir: trial.folder() });
    const rounds = trial.count(50, 3);
    const { port } = broker;
    await startPipeline(trial, { port, concurrency: 8, stageTimeoutMs: STAGE_MS });
    const overMs: number[] = [];
    let unanswered = 0;
    const orders = [...FAILING, "swap"];
    await eachOf(rounds * orders.length, 4, async (number) => {
      const order = orders[number % orders.length] as string;
      const reader = new ResultReader(targetOf(broker));
      const submittedAtMs = performance.now();
      const pushed = await onLine(port, (line) =>
        pushOn(line, jobFrame(TASK_QUEUE, jobText(order, `${number}`))),
      );
      const jobId = "id" in pushed ? pushed.id : "";
      const text = await reader.fetch(jobId);
      overMs.push(performance.now() - submittedAtMs - STAGE_MS);
      const isFailing = FAILING.includes(order);
      const ending = endingOf(text);
      if (isFailing && ending !== "failed") unanswered++;
      trial.check(ending === (isFailing ? "failed" : "success"), `${order} ended as ${ending}`);
      if (isFailing) {
        const { stages } = failureOf(text);
        trial.check(stages.join() === "obey", `${order}: the result names ${stages}`);
      }
      trial.check((await reader.fetch(jobId)) === text, `${order}: the result changed`);
      reader.close();
    });
    const late = Math.max(0, ...overMs);
    trial.check(late < GRACE_MS, `a result came ${Math.round(late)} ms after the deadline`);
    return `${rounds} of each: unanswered ${unanswered}, at most ${Math.round(late)} ms after the stage's deadline`;
  },
};
