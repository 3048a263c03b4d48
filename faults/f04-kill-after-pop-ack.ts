import { encodeResult, failedResult } from "millrace/message";
import { Broker } from "./harness/broker.js";
import { jobFrame, onLine, pop, popOn, push, pushOn } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { jobText, TASK_QUEUE } from "./harness/jobs.js";
import { Proc } from "./harness/processes.js";
import { quantile } from "./harness/waits.js";

const LEASE_MS = 1_000;
/** A busy machine may take longer than the second that is promised. */
const GRACE_MS = 5_000;
const JOBS = 8;

export const f04: Fault = {
  name: "F4",
  title: "kill -9 of a consumer, or of the broker, after the pop's ACK and before the result",
  limitMs: 600_000,
  async run(trial) {
    const settle = { [TASK_QUEUE]: { settle: "on-result" } };
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: [
        "--queues",
        JSON.stringify(settle),
        "--result-lease-ms",
        `${LEASE_MS}`,
        "--max-deliveries",
        "5",
      ],
    });
    const rounds = trial.count(40, 2);
    const recoveryMs: number[] = [];
    let lost = 0;
    for (let round = 0; round < rounds; round++) {
      const ids = await submit(broker, round);
      const killedAtMs = await takeAndDie(trial, broker, ids);
      if (round % 2 === 1) {
        await broker.kill();
        await broker.start();
      }
      const found = await workAll(trial, broker, ids.size);
      for (const [jobId, atMs] of found) {
        if (round % 2 === 0) recoveryMs.push(atMs - killedAtMs);
        const result = await pop(broker.port, jobId, 5);
        trial.check(result?.includes(jobId) === true, `job ${jobId} has the result ${result}`);
        ids.delete(jobId);
      }
      lost += ids.size;
      trial.check(ids.size === 0, `round ${round}: ${ids.size} jobs never came again`);
    }
    const p99 = Math.round(quantile(recoveryMs, 0.99));
    trial.check(p99 < LEASE_MS + GRACE_MS, `recovery took ${p99} ms`);
    return `${rounds * JOBS} jobs: lost ${lost}; recovery p99 ${p99} ms with a lease of ${LEASE_MS} ms`;
  },
};

function submit(broker: Broker, round: number): Promise<Set<string>> {
  return onLine(broker.port, async (line) => {
    const ids = new Set<string>();
    for (let number = 0; number < JOBS; number++) {
      const pushed = await pushOn(
        line,
        jobFrame(TASK_QUEUE, jobText("work", `${round}-${number}`)),
      );
      if ("id" in pushed) ids.add(pushed.id);
    }
    return ids;
  });
}

/** A consumer takes all of them and is killed; when. */
async function takeAndDie(trial: Trial, broker: Broker, ids: ReadonlySet<string>): Promise<number> {
  const consumer = Proc.script(trial, [
    "old-consumer.mjs",
    `${broker.port}`,
    TASK_QUEUE,
    `${ids.size}`,
  ]);
  for (let from = 0; from < ids.size; from++) await consumer.event("taken", { from });
  for (const { jobId, code } of consumer.lines) {
    trial.check(
      code === 0 && ids.has(String(jobId)),
      `the consumer got job ${jobId}, code ${code}`,
    );
  }
  await consumer.kill();
  return performance.now();
}

/** Another consumer does them; when each came. */
function workAll(trial: Trial, broker: Broker, count: number): Promise<Map<string, number>> {
  return onLine(broker.port, async (line) => {
    const came = new Map<string, number>();
    for (let number = 0; number < count; number++) {
      const job = await popOn(line, TASK_QUEUE, 15);
      if (job === undefined) break;
      const jobId = String(JSON.parse(job).job_id);
      trial.check(!came.has(jobId), `job ${jobId} came twice`);
      came.set(jobId, performance.now());
      const text = encodeResult(failedResult({ cause: `done by another: ${jobId}` }));
      const pushed = await push(broker.port, jobId, text);
      trial.check("id" in pushed, `the result of ${jobId}: ${JSON.stringify(pushed)}`);
    }
    return came;
  });
}
