/**
 * No-op jobs end to end with the TypeScript client: over TCP with broker, pipeline and client in
 * processes of their own, and in one process over `MemoryClient`. In turn with them, the handshakes
 * that the bare stub can do: a job is four of them.
 */
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB } from "../messages.js";
import type { Remote } from "../remote.js";

export const JOBS = "jobs";
/** Jobs that a pipeline works on at a time. */
export const CONCURRENCY = 64;
const IN_FLIGHT = [1, 8, 64] as const;
const HANDSHAKES_PER_JOB = 4;
const BYTES = KB;

export const jobsName = (where: "TCP" | "memory", inFlight: number) =>
  `${where}, ${inFlight} in flight`;
const STUB_KEPT = "bare stub, handshakes, raw client, 64 connections kept";
const STUB_EACH = "bare stub, handshakes, raw client, new connection each";
const STUB_CLIENT = "bare stub, handshakes, TypeScript client, 64 in flight";
/** The three ways to drive the stub, and the jobs per second over TCP against each. */
export const OF_STUB = {
  each: "TCP, 64 in flight ÷ (bare stub, new connections ÷ 4)",
  client: "TCP, 64 in flight ÷ (bare stub, TypeScript client ÷ 4)",
  kept: "TCP, 64 in flight ÷ (bare stub, kept connections ÷ 4)",
} as const;
export const MEMORY_OVER_TCP = "memory ÷ TCP, 64 in flight";

interface Parts {
  readonly brokerPort: number;
  readonly stubPort: number;
  readonly client: Remote;
  readonly raw: Remote;
  readonly chain: Remote;
}

async function startParts({ processes }: Bench): Promise<Parts> {
  const broker = await processes.broker();
  const pipeline = await processes.node("processes/pipeline.ts");
  await pipeline.call("start", { port: broker.port, concurrency: CONCURRENCY });
  const chain = await processes.node("processes/memory-chain.ts");
  await chain.call("start", { concurrency: CONCURRENCY });
  const stub = await processes.node("stub-server.ts");
  const stubPort = await stub.call<number>("listen", { mode: "bare" });
  const client = await processes.node("processes/load-client.ts");
  const raw = await processes.node("processes/raw-client.ts");
  return { brokerPort: broker.port, stubPort, client, raw, chain };
}

async function measureStub(bench: Bench, parts: Parts, durationMs: number): Promise<void> {
  const { stubPort: port, raw, client } = parts;
  const push = { port, operation: "push", queueName: "stub", bytes: BYTES, durationMs };
  const handshakes = { unit: "per s" };
  const kept = await raw.call<LoadResult>("load", { ...push, clients: 64 });
  bench.figures.add(JOBS, STUB_KEPT, { ...handshakes, value: kept.perSecond });
  const each = await raw.call<LoadResult>("load", { ...push, clients: 64, connectsEach: true });
  bench.figures.add(JOBS, STUB_EACH, { ...handshakes, value: each.perSecond });
  const ours = await client.call<LoadResult>("handshakes", { ...push, clients: 64 });
  bench.figures.add(JOBS, STUB_CLIENT, { ...handshakes, value: ours.perSecond });
}

async function measureJobs(bench: Bench, parts: Parts, durationMs: number): Promise<void> {
  for (const clients of IN_FLIGHT) {
    const load = { port: parts.brokerPort, bytes: BYTES, clients, durationMs };
    note(bench, jobsName("TCP", clients), await parts.client.call<LoadResult>("jobs", load));
    note(bench, jobsName("memory", clients), await parts.chain.call<LoadResult>("jobs", load));
  }
}

function note({ figures }: Bench, name: string, result: LoadResult): void {
  figures.add(JOBS, name, { unit: "jobs/s", value: result.perSecond });
  figures.add(JOBS, `${name}, p50`, { unit: "ms", value: result.p50Ms });
  figures.add(JOBS, `${name}, p99`, { unit: "ms", value: result.p99Ms });
}

async function run(bench: Bench): Promise<void> {
  const parts = await startParts(bench);
  const durationMs = bench.lengthMs(2_000);
  const warmUp = { port: parts.brokerPort, bytes: BYTES, clients: 64, durationMs: 1_500 };
  await parts.client.call("jobs", warmUp);
  await parts.chain.call("jobs", warmUp);
  await parts.client.call("handshakes", { ...warmUp, port: parts.stubPort, durationMs: 500 });
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`jobs, round ${round} of ${bench.rounds}`);
    await measureJobs(bench, parts, durationMs);
    await measureStub(bench, parts, durationMs);
  }
  const tcp = jobsName("TCP", 64);
  const { figures } = bench;
  figures.addRatio(JOBS, MEMORY_OVER_TCP, { over: jobsName("memory", 64), under: tcp });
  for (const [name, stub] of [
    [OF_STUB.each, STUB_EACH],
    [OF_STUB.client, STUB_CLIENT],
    [OF_STUB.kept, STUB_KEPT],
  ] as const) {
    const [jobs, handshakes] = [figures.values(JOBS, tcp), figures.values(JOBS, stub)];
    for (const [round, perSecond] of jobs.entries()) {
      const value = perSecond / ((handshakes[round] as number) / HANDSHAKES_PER_JOB);
      figures.add(JOBS, name, { unit: "×", value });
    }
  }
}

export const jobs: Measurement = {
  name: JOBS,
  about: "no-op jobs end to end, TypeScript client, 1 KB",
  limitMs: 240_000,
  run,
};
