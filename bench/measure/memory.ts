/**
 * What queued messages cost: resident memory of a broker in a fresh process, above what it had idle
 * after a small warm-up, divided by the bytes of the messages. Nothing forces its garbage collector:
 * before each reading, the idle one too, it is left alone for 12 s. The loads run side by side, each
 * with a broker and a client of its own.
 */
import type { Bench, Measurement } from "../harness.js";
import { KB, MB } from "../messages.js";
import { settledBytes } from "../resident-memory.js";

export const MEMORY = "memory";

const LOADS = [
  { name: "1,000 × 64 KB", count: 1_000, bytes: 64 * KB },
  { name: "20,000 × 1 KB", count: 20_000, bytes: KB },
  { name: "400 × 1 MB", count: 400, bytes: MB },
] as const;

export const memoryName = (load: string) => `${load} queued: above idle ÷ bytes of messages`;

async function measureOne(bench: Bench, { name, count, bytes }: (typeof LOADS)[number]) {
  const { processes, figures } = bench;
  const broker = await processes.broker();
  const client = await processes.node("processes/raw-client.ts");
  const load = { port: broker.port, clients: 8, durationMs: 60_000 };
  // Small and few, so that code is loaded and compiled but no memory is left to be used again.
  const warmUp = { ...load, queueName: "warm-up", bytes: KB, countMax: 400 };
  await client.call("load", { ...warmUp, operation: "push" });
  await client.call("load", { ...warmUp, operation: "pop" });
  const idle = await settledBytes(broker.pid);
  await client.call("load", {
    ...load,
    operation: "push",
    queueName: "full",
    bytes,
    countMax: count,
  });
  const full = await settledBytes(broker.pid);
  await client.call("load", {
    ...load,
    operation: "pop",
    queueName: "full",
    bytes,
    countMax: count,
  });
  const drained = await settledBytes(broker.pid);
  const payload = count * bytes;
  figures.add(MEMORY, memoryName(name), { unit: "×", value: (full - idle) / payload });
  const kept = (drained - idle) / payload;
  figures.add(MEMORY, `${name} drained: above idle ÷ bytes of messages`, {
    unit: "×",
    value: kept,
  });
}

async function run(bench: Bench): Promise<void> {
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`memory, round ${round} of ${bench.rounds}`);
    await Promise.all(LOADS.map((load) => measureOne(bench, load)));
    await bench.processes.endAll();
  }
}

export const memory: Measurement = {
  name: MEMORY,
  about: "resident memory of queued messages",
  limitMs: 480_000,
  run,
};
