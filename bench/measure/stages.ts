/**
 * What a stage costs: a pipeline of ten stages that do nothing against the same with one, in one
 * process over `MemoryClient`. With the times and annotations that each stage leaves in the result,
 * as jobs ask for them by default, and without.
 */
import { type Bench, type Measurement, medianOf } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB } from "../messages.js";
import type { Remote } from "../remote.js";
import { CONCURRENCY } from "./jobs.js";

export const STAGES = "stages";
const COUNTS = [1, 10] as const;
const TRACING = [true, false] as const;
const IN_FLIGHT = 64;
/** A round takes each so often in turn, and their medians: the two must see the same machine. */
const TURNS = 5;

const jobsName = (count: number, tracing: boolean) =>
  `${count} ${count === 1 ? "stage" : "stages"}, tracing ${tracing ? "on" : "off"}`;
export const tenOverOne = (tracing: boolean) => `10 ÷ 1, tracing ${tracing ? "on" : "off"}`;

async function startChain({ processes }: Bench, stageCount: number): Promise<Remote> {
  const chain = await processes.node("processes/memory-chain.ts");
  await chain.call("start", { concurrency: CONCURRENCY, stageCount });
  return chain;
}

async function run(bench: Bench): Promise<void> {
  const { figures } = bench;
  const chains = [];
  for (const count of COUNTS) chains.push({ count, chain: await startChain(bench, count) });
  const load = { bytes: KB, clients: IN_FLIGHT };
  for (const { chain } of chains) {
    for (const tracing of TRACING)
      await chain.call("jobs", { ...load, tracing, durationMs: 1_500 });
  }
  const durationMs = bench.lengthMs(1_000);
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`stages, round ${round} of ${bench.rounds}`);
    for (const tracing of TRACING) {
      const rates = chains.map(() => [] as number[]);
      for (let turn = 0; turn < TURNS; turn++) {
        for (const [index, { chain }] of chains.entries()) {
          const result = await chain.call<LoadResult>("jobs", { ...load, tracing, durationMs });
          rates[index]?.push(result.perSecond);
        }
      }
      for (const [index, { count }] of chains.entries()) {
        const value = medianOf(rates[index] ?? []);
        figures.add(STAGES, jobsName(count, tracing), { unit: "jobs/s", value });
      }
    }
  }
  for (const tracing of TRACING) {
    const of = { over: jobsName(10, tracing), under: jobsName(1, tracing) };
    figures.addRatio(STAGES, tenOverOne(tracing), of);
  }
}

export const stages: Measurement = {
  name: STAGES,
  about: "ten stages that do nothing against one, in one process",
  limitMs: 120_000,
  run,
};
