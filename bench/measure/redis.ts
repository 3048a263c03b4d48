/** What Redis as the broker gives: speed against BullMQ, more workers, round trips, recovery. */
import type { Bench, Measurement } from "../harness.js";
import { redisVersion } from "../redis-server.js";
import { measureJobs, REDIS } from "./redis-jobs.js";
import { measureRecovery } from "./redis-recovery.js";
import { countRoundTrips } from "./redis-round-trips.js";
import { measureWorkers } from "./redis-workers.js";

async function run(bench: Bench): Promise<void> {
  if (redisVersion() === undefined) {
    bench.figures.notes.push(
      "LEFT OUT: Redis as the broker. There is no redis-server on the PATH.",
    );
    return;
  }
  for (const measure of [measureJobs, measureWorkers, countRoundTrips, measureRecovery]) {
    await measure(bench);
    await bench.processes.endAll();
  }
}

export const redis: Measurement = {
  name: REDIS,
  about: "Redis as the broker: against BullMQ, by workers, round trips, recovery",
  limitMs: 600_000,
  run,
};
