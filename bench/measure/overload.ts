/**
 * Overload: clients push into a queue that is full, pause for a moment and try again. How soon they
 * are refused, and what becomes of the work of others that is admitted meanwhile.
 */
import { startCliBroker } from "../cli-broker.js";
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB } from "../messages.js";

export const OVERLOAD = "overload";
export const REFUSAL_P99 = "refusal, p99";
const ADMITTED = "push + pop of admitted clients";
const ADMITTED_RATIO = "push + pop of admitted clients, p99, overload ÷ none";
const QUEUE_SIZE = 100;
const REFUSED_CLIENTS = 64;
const PAUSE_MS = 100;
const ADMITTED_CLIENTS = 4;

async function run(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const flags = ["--max-queue-size", String(QUEUE_SIZE)];
  const { port } = await startCliBroker(processes, { durability: "fsync", flags });
  const raw = await processes.node("processes/raw-client.ts");
  const client = await processes.node("processes/load-client.ts");
  const full = { port, queueName: "full", bytes: KB };
  const fill = { operation: "push", clients: 1, durationMs: 30_000, countMax: QUEUE_SIZE };
  await raw.call("load", { ...full, ...fill });
  const durationMs = bench.lengthMs(3_000);
  const work = { port, queueName: "work", bytes: KB, clients: ADMITTED_CLIENTS };
  const admitted = () => client.call<LoadResult>("pairs", { ...work, durationMs });
  await client.call("pairs", { ...work, durationMs: 1_500 });
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`overload, round ${round} of ${bench.rounds}`);
    note(bench, `${ADMITTED}, no overload`, await admitted());
    const load = { ...full, clients: REFUSED_CLIENTS, durationMs, pauseMs: PAUSE_MS };
    const refusing = raw.call<LoadResult>("refused", load);
    note(bench, `${ADMITTED}, overload`, await admitted());
    note(bench, "refusal", await refusing);
  }
  const name = (of: string) => `${ADMITTED}, ${of}, p99`;
  figures.addRatio(OVERLOAD, ADMITTED_RATIO, {
    over: name("overload"),
    under: name("no overload"),
  });
}

function note({ figures }: Bench, name: string, { perSecond, p50Ms, p99Ms }: LoadResult): void {
  figures.add(OVERLOAD, name, { unit: "per s", value: perSecond });
  figures.add(OVERLOAD, `${name}, p50`, { unit: "ms", value: p50Ms });
  figures.add(OVERLOAD, `${name}, p99`, { unit: "ms", value: p99Ms });
}

export const overload: Measurement = {
  name: OVERLOAD,
  about: "pushes into a full queue, and what they do to other work",
  limitMs: 120_000,
  run,
};
