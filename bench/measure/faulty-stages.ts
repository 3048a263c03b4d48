/**
 * Stages in threads that throw, never end, or kill their thread: every job gets a result, the right
 * ones fail, and the jobs beside them hardly notice. In turn with the same arrivals without a fault.
 */
import { type Bench, type Measurement, percentile } from "../harness.js";
import type { Arrival, Deed, DeedResult, Judged } from "../processes/deed-client.js";

export const FAULTY_STAGES = "faulty-stages";
export const FAULTY_COUNT = 1_000;
export const FAULTY_RESULTS = "results, fewest of all rounds";
export const FAULTY_WRONG = "wrong verdicts, sum of all rounds";
export const FAULTY_P99 = "(p99 of the good jobs beside faults − without faults) ÷ timeoutMs";

const SETUP = { threadCount: 2, workMs: 20, timeoutMs: 1_000 } as const;
/** Of `FAULTY_COUNT`; all others work. */
const FAULTS = { throw: 10, hang: 10, exit: 5 } as const;
const CAPACITY_COUNT = 300;
/** Of what the threads can do without faults. */
const LOAD_SHARE = 0.25;
const CALL_MS = 180_000;

/** Every round draws anew which jobs go wrong. */
function drawDeeds(): Deed[] {
  const deeds = new Array<Deed>(FAULTY_COUNT).fill("work");
  for (const deed of ["throw", "hang", "exit"] as const) {
    for (let left = FAULTS[deed]; left > 0; ) {
      const index = Math.floor(Math.random() * FAULTY_COUNT);
      if (deeds[index] !== "work") continue;
      deeds[index] = deed;
      left--;
    }
  }
  return deeds;
}

/** When so many jobs come that do not know of each other. */
function drawTimes(count: number, perSecond: number): number[] {
  let atMs = 0;
  return Array.from({ length: count }, () => {
    atMs -= (Math.log(1 - Math.random()) / perSecond) * 1_000;
    return atMs;
  });
}

const allAtOnce = (deeds: readonly Deed[]): Arrival[] => deeds.map((deed) => ({ deed, atMs: 0 }));

const good = (count: number): Deed[] => new Array<Deed>(count).fill("work");

type RunJobs = (arrivals: readonly Arrival[]) => Promise<DeedResult>;

interface RoundCounts {
  readonly results: number;
  readonly wrong: number;
}

async function measureRound(bench: Bench, runJobs: RunJobs): Promise<RoundCounts> {
  const add = (name: string, unit: string, value: number) =>
    bench.figures.add(FAULTY_STAGES, name, { unit, value });

  const { perSecond: capacity } = await runJobs(allAtOnce(good(CAPACITY_COUNT)));
  add("all at once, no faults", "jobs/s", capacity);
  const deeds = drawDeeds();
  const burst = await runJobs(allAtOnce(deeds));
  add("all at once, faults", "jobs/s", burst.perSecond);

  const times = drawTimes(FAULTY_COUNT, capacity * LOAD_SHARE);
  const at = (deed: Deed, index: number) => ({ deed, atMs: times[index] as number });
  const calm = await runJobs(good(FAULTY_COUNT).map(at));
  const faulty = await runJobs(deeds.map(at));
  const isGood = (_: Judged, index: number) => deeds[index] === "work";
  const [without, beside] = [calm, faulty].map(({ jobs }) =>
    jobs
      .filter(isGood)
      .map(({ latencyMs }) => latencyMs)
      .sort((a, b) => a - b),
  ) as [number[], number[]];
  for (const [name, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    add(`a quarter of capacity, no faults, ${name}`, "ms", percentile(without, share));
    add(`a quarter of capacity, beside faults, ${name}`, "ms", percentile(beside, share));
  }
  const moreMs = percentile(beside, 0.99) - percentile(without, 0.99);
  add(FAULTY_P99, "×", moreMs / SETUP.timeoutMs);
  const results = [burst, calm, faulty].map(({ jobs }) => jobs.filter((job) => job.hasResult));
  const wrong = [burst, calm, faulty].flatMap(({ jobs }) => jobs.filter((job) => !job.isRight));
  return { results: Math.min(...results.map(({ length }) => length)), wrong: wrong.length };
}

async function run(bench: Bench): Promise<void> {
  const { processes } = bench;
  const { port } = await processes.broker();
  const pipeline = await processes.node("processes/thread-pipeline.mjs");
  await pipeline.call("start", { port, ...SETUP });
  const client = await processes.node("processes/deed-client.ts");
  const runJobs: RunJobs = (arrivals) =>
    client.call<DeedResult>("run", { port, arrivals }, CALL_MS);
  await runJobs(allAtOnce(good(CAPACITY_COUNT)));
  const counts: RoundCounts[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`faulty-stages, round ${round} of ${bench.rounds}`);
    counts.push(await measureRound(bench, runJobs));
  }
  // No medians of these: one wrong job in one round is one too many.
  const results = Math.min(...counts.map((each) => each.results));
  const wrong = counts.reduce((sum, each) => sum + each.wrong, 0);
  bench.figures.add(FAULTY_STAGES, FAULTY_RESULTS, { unit: "jobs", value: results });
  bench.figures.add(FAULTY_STAGES, FAULTY_WRONG, { unit: "jobs", value: wrong });
}

export const faultyStages: Measurement = {
  name: FAULTY_STAGES,
  about: "stages in threads that throw, hang or kill their thread, and the jobs beside them",
  limitMs: 900_000,
  run,
};
