/** Jobs per second with one and with four worker processes on one Redis, whose stage sleeps. */
import type { Bench } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB } from "../messages.js";
import { startRedis } from "../redis-server.js";
import { REDIS } from "./redis-jobs.js";

/** Each has a queue of its own, so both can be measured in turn. */
const COUNTS = [1, 4] as const;
const CONCURRENCY = 8;
const STAGE_MS = 20;
const IN_FLIGHT = 128;

const workersName = (count: number) =>
  `stage of ${STAGE_MS} ms, ${count} ${count === 1 ? "worker" : "workers"}, ${CONCURRENCY} at a time each`;
export const FOUR_WORKERS = "stage of 20 ms, 4 workers ÷ 1";

export async function measureWorkers(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const port = await startRedis(processes, "everysec");
  const queueOf = (count: number) => `workers_${count}`;
  for (const count of COUNTS) {
    for (let index = 0; index < count; index++) {
      const worker = await processes.node("processes/redis-pipeline.ts");
      const queue = { taskQueue: queueOf(count), stageMs: STAGE_MS };
      await worker.call("start", { port, concurrency: CONCURRENCY, ...queue });
    }
  }
  const client = await processes.node("processes/redis-client.ts");
  await client.call("connect", { port });
  const measure = (count: number, durationMs: number) => {
    const bounds = { bytes: KB, clients: IN_FLIGHT, durationMs };
    return client.call<LoadResult>("jobs", { taskQueue: queueOf(count), ...bounds });
  };
  for (const count of COUNTS) await measure(count, bench.lengthMs(3_000));
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`redis, workers, round ${round} of ${bench.rounds}`);
    for (const count of COUNTS) {
      const { perSecond } = await measure(count, bench.lengthMs(4_000));
      figures.add(REDIS, workersName(count), { unit: "jobs/s", value: perSecond });
    }
  }
  figures.addRatio(REDIS, FOUR_WORKERS, { over: workersName(4), under: workersName(1) });
}
