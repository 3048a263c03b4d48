/** How long a durable broker takes to be there again after kill -9, by what it has to read. */
import { type CliBroker, DataDirectory, startCliBroker } from "../cli-broker.js";
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { KB, MB } from "../messages.js";

export const RESTART = "restart";
const GB = 1_024 * MB;

interface Store {
  readonly name: string;
  readonly bytes: number;
  readonly count: number;
  readonly quickCount: number;
}

const SMALL: Store = { name: "100,000 × 1 KB", bytes: KB, count: 100_000, quickCount: 100_000 };
const STORES: readonly Store[] = [
  SMALL,
  { name: "64 KB messages", bytes: 64 * KB, count: 32_768, quickCount: 8_192 },
  { name: "1 MB messages", bytes: MB, count: 2_048, quickCount: 512 },
];
const FILL_MS = 180_000;

const restartName = (store: string) => `${store}: start to listening`;
export const RESTART_SMALL = restartName(SMALL.name);
const perGbName = (store: string) => `${store}: recovery of each GiB`;

async function startOn(bench: Bench, directory: DataDirectory): Promise<CliBroker> {
  const flags = ["--max-queue-size", "0"];
  return startCliBroker(bench.processes, { durability: "fsync", directory, flags });
}

/** A store with so many messages, whose broker was killed. */
async function fill(bench: Bench, { bytes, count, quickCount }: Store): Promise<DataDirectory> {
  const directory = new DataDirectory(bench.processes);
  const broker = await startOn(bench, directory);
  const countMax = bench.isQuick ? quickCount : count;
  const client = await bench.processes.node("processes/raw-client.ts");
  const bounds = { clients: bytes >= MB ? 8 : 64, durationMs: FILL_MS, countMax };
  const load = { port: broker.port, operation: "push", queueName: "restart", bytes, ...bounds };
  await client.call<LoadResult>("load", load, FILL_MS + 10_000);
  await client.end();
  await broker.kill();
  return directory;
}

/** How long a start takes, in milliseconds. */
async function startMsOn(bench: Bench, directory: DataDirectory): Promise<number> {
  const broker = await startOn(bench, directory);
  await broker.kill();
  return broker.startMs;
}

async function run(bench: Bench): Promise<void> {
  const { figures } = bench;
  for (const store of STORES) {
    bench.say(`restart: ${store.name}`);
    const directory = await fill(bench, store);
    for (let round = 1; round <= bench.rounds; round++) {
      const storedBytes = directory.bytes;
      const idleMs = await startMsOn(bench, new DataDirectory(bench.processes));
      const value = await startMsOn(bench, directory);
      figures.add(RESTART, restartName("nothing stored"), { unit: "ms", value: idleMs });
      figures.add(RESTART, restartName(store.name), { unit: "ms", value });
      if (storedBytes < GB / 4) continue;
      const perGb = (value - idleMs) / (storedBytes / GB);
      figures.add(RESTART, perGbName(store.name), { unit: "ms", value: perGb });
    }
    await bench.processes.endAll();
  }
}

export const restart: Measurement = {
  name: RESTART,
  about: "start of a durable broker on what a killed one left",
  limitMs: 480_000,
  run,
};
