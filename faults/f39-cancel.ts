import { SimpleClient } from "millrace";
import { Broker } from "./harness/broker.js";
import { targetOf } from "./harness/clients.js";
import type { Fault, Trial } from "./harness/fault.js";
import { type Ending, endingOf, jobText, startPipeline, TASK_QUEUE } from "./harness/jobs.js";
import { ResultReader } from "./harness/results.js";
import { eachOf, sleep } from "./harness/waits.js";

const WIDTH = 16;
const WORK_MS_MAX = 40;
/** From before the job can have begun to after it must have ended. */
const CANCEL_MS_MAX = 120;

export const f39: Fault = {
  name: "F39",
  title: "jobs are cancelled at every point of their lives",
  limitMs: 300_000,
  async run(trial) {
    const broker = await Broker.start(trial, { dataDir: trial.folder() });
    for (let worker = 0; worker < 2; worker++) {
      await startPipeline(trial, { port: broker.port, concurrency: 4, isQuiet: true });
    }
    const client = new SimpleClient({ port: broker.port });
    trial.defer(() => client.close());
    const jobs = trial.count(1_000, 60);
    const counts: Record<Ending, number> = { success: 0, cancelled: 0, failed: 0, givenUp: 0 };
    await eachOf(jobs, WIDTH, async (number) => {
      const ending = await cancelOne(trial, { broker, client }, number);
      counts[ending]++;
    });
    const { success, cancelled, failed, givenUp } = counts;
    trial.check(failed + givenUp === 0, `${failed} jobs failed, ${givenUp} were given up`);
    const isMixed = success > 0 && cancelled > 0;
    trial.check(isMixed, `${success} succeeded and ${cancelled} were cancelled: no mixture`);
    const both = jobs - success - cancelled;
    return `${jobs} jobs, ${cancelled} cancelled, ${success} succeeded: both or none ${both}`;
  },
};

async function cancelOne(
  trial: Trial,
  { broker, client }: { readonly broker: Broker; readonly client: SimpleClient },
  number: number,
): Promise<Ending> {
  const text = jobText(`work ${trial.random.below(WORK_MS_MAX)}`, `${number}`);
  const cancelMs = trial.random.below(CANCEL_MS_MAX);
  const { transactionId } = await client.submitMessage(TASK_QUEUE, text, { forNvIngest: true });
  const reader = new ResultReader(targetOf(broker));
  // Some wait for the result while the job is cancelled, some come later.
  const early = trial.random.chance(0.5) ? reader.fetch(transactionId) : undefined;
  if (cancelMs > 0) await sleep(cancelMs);
  const outcome = await client.cancel(transactionId);
  const result = await (early ?? reader.fetch(transactionId));
  const ending = endingOf(result);
  const expected = outcome === "cancelled" ? "cancelled" : "success";
  trial.check(ending === expected, `"${outcome}" was said, and the job ended as ${ending}`);
  // Whoever asks again, for the result or for the end, hears the same.
  const again = await client.cancel(transactionId);
  trial.check(again === outcome, `cancelled twice: "${outcome}", then "${again}"`);
  trial.check((await reader.fetch(transactionId)) === result, "the result changed");
  reader.close();
  return ending;
}
