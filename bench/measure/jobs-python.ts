/**
 * No-op jobs end to end with the unmodified Python client: against ours, and against the original's
 * whole chain (its broker, and a loop around its client as source and sink), in turn.
 */
import type { Bench, Measurement } from "../harness.js";
import { jobFrame, KB, TASK_QUEUE } from "../messages.js";
import type { Remote } from "../remote.js";
import { CONCURRENCY } from "./jobs.js";
import { PythonClients, type PythonResult } from "./python-clients.js";

export const JOBS_PYTHON = "jobs-python";
export type Target = "ours" | "upstream";

export const pythonJobsName = (target: Target, threads: number) =>
  `${target}, ${threads} in flight`;
export const ratioName = (threads: number) => `ours ÷ upstream, ${threads} in flight`;

/** The original takes a second per job and up to 16 s under load, so it is watched for longer. */
const UPSTREAM_LOADS = [
  { threads: 1, durationMs: 9_000, warmUpMs: 3_000 },
  { threads: 64, durationMs: 18_000, warmUpMs: 8_000 },
] as const;
const OUR_THREADS = [1, 8, 64] as const;

async function startOurs({ processes }: Bench): Promise<number> {
  const broker = await processes.broker();
  const pipeline = await processes.node("processes/pipeline.ts");
  await pipeline.call("start", { port: broker.port, concurrency: CONCURRENCY });
  return broker.port;
}

/** A fresh chain for each load: what was left over by the one before would come in between. */
async function startUpstream(bench: Bench, python: string): Promise<[number, Remote[]]> {
  const broker = await bench.processes.python(python, "python/upstream_broker.py");
  const port = await broker.call<number>("listen");
  const chain = await bench.processes.python(python, "python/upstream_chain.py");
  await chain.call("start", { port, task_queue: TASK_QUEUE });
  return [port, [chain, broker]];
}

function note({ figures }: Bench, name: string, result: PythonResult): void {
  figures.add(JOBS_PYTHON, name, { unit: "jobs/s", value: result.perSecond });
  if (result.p50Ms === null || result.p99Ms === null) return;
  figures.add(JOBS_PYTHON, `${name}, p50`, { unit: "ms", value: result.p50Ms });
  figures.add(JOBS_PYTHON, `${name}, p99`, { unit: "ms", value: result.p99Ms });
}

async function run(bench: Bench): Promise<void> {
  const { python, figures } = bench;
  if (python === undefined) return;
  const port = await startOurs(bench);
  const clients = new PythonClients(bench.processes, python);
  const job = { ...jobFrame(), bytes: KB };
  const load = { operation: "job", queueName: TASK_QUEUE, job };
  await clients.load({ ...load, port, threads: 8, durationMs: 1_500 });
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`jobs-python, round ${round} of ${bench.rounds}`);
    for (const threads of OUR_THREADS) {
      const durationMs = bench.lengthMs(3_000);
      const result = await clients.load({ ...load, port, threads, durationMs });
      note(bench, pythonJobsName("ours", threads), result);
    }
    for (const { threads, durationMs, warmUpMs } of UPSTREAM_LOADS) {
      const [upstreamPort, parts] = await startUpstream(bench, python);
      const bounds = { threads, durationMs: warmUpMs + bench.lengthMs(durationMs), warmUpMs };
      const result = await clients.load({ ...load, port: upstreamPort, ...bounds });
      note(bench, pythonJobsName("upstream", threads), result);
      for (const part of parts) await part.end();
    }
  }
  for (const { threads } of UPSTREAM_LOADS) {
    const over = pythonJobsName("ours", threads);
    const under = pythonJobsName("upstream", threads);
    figures.addRatio(JOBS_PYTHON, ratioName(threads), { over, under });
  }
}

export const jobsPython: Measurement = {
  name: JOBS_PYTHON,
  about: "no-op jobs end to end, unmodified Python client, 1 KB",
  limitMs: 420_000,
  run,
};
