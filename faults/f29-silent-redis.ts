import type { RedisServer } from "../test/helpers/redis-server.js";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf } from "./harness/jobs.js";
import { type Direction, FaultProxy } from "./harness/proxy.js";
import {
  clientOf,
  configOf,
  countResults,
  fetchResult,
  roundTrip,
  startServer,
  startWorker,
  submitJob,
} from "./harness/redis.js";
import { until, within } from "./harness/waits.js";

/** What is promised. */
const FOUND_MS = 10_000;
/** Longer than everything here: no job comes back because its lease is over. */
const LEASE_MS = 300_000;
const SILENCES: readonly (readonly Direction[])[] = [["up", "down"], ["down"], ["up"]];

export const f29: Fault = {
  name: "F29",
  title: "connections to Redis go silent, and nobody closes them",
  limitMs: 300_000,
  async run(trial) {
    const rounds = trial.count(8, 1);
    const foundMs: number[] = [];
    const firstMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      // Each has a Redis of its own, so that one's worker cannot do the other's jobs.
      const scenes = SILENCES.flatMap((directions) => [
        silence(trial, { who: "worker", directions, round }),
        silence(trial, { who: "client", directions, round }),
      ]);
      for (const { found, first } of await Promise.all(scenes)) {
        foundMs.push(found);
        firstMs.push(first);
      }
    }
    const found = Math.round(Math.max(...foundMs));
    trial.check(found < FOUND_MS, `a silent connection was found after ${found} ms only`);
    const first = Math.round(Math.max(...firstMs));
    return (
      `${foundMs.length} silences: found after ${found} ms at most, ` +
      `next result after ${first} ms at most`
    );
  },
};

interface Scene {
  readonly who: "worker" | "client";
  readonly directions: readonly Direction[];
  readonly round: number;
}

/** When the next connection was made, and when the next result was there. */
async function silence(
  trial: Trial,
  { who, directions, round }: Scene,
): Promise<{ found: number; first: number }> {
  const name = `round ${round}, ${who}, ${directions.join(" and ")}`;
  const redis: RedisServer = await startServer(trial);
  const proxy = await FaultProxy.start(trial, () => redis.port);
  const portOf = (one: "worker" | "client") => (one === who ? proxy.port : redis.port);
  const brokerClient = configOf(portOf("worker"));
  const worker = await startWorker(trial, { brokerClient, leaseMs: LEASE_MS, isQuiet: false });
  const client = clientOf(trial, configOf(portOf("client")));
  await roundTrip(trial, client, name);

  // One is in work, and its result awaited, while the line goes silent.
  const jobId = await submitJob(client, "work 1500", name);
  const fetching = fetchResult(client, jobId);
  await worker.event("begun", { from: 1 });
  const before = proxy.connections;
  const startedAtMs = performance.now();
  proxy.swallow(directions);
  await until(`${name}: another connection`, 30_000, () => proxy.connections > before);
  const found = performance.now() - startedAtMs;
  const text = await within(`${name}: the result`, 30_000, fetching);
  const first = performance.now() - startedAtMs;
  const ending = text === undefined ? "none" : endingOf(text);
  trial.check(ending === "success", `${name}: the result is ${ending}`);
  await roundTrip(trial, client, name);
  const { several } = await countResults(redis, [jobId]);
  trial.check(several === 0, `${name}: the result is there twice`);
  await worker.kill();
  await client.close();
  await redis.stop();
  return { found, first };
}
