/**
 * A backlog far larger than memory: 4 GiB of it goes through a durable broker, whose memory must not
 * notice. Then it is drained, and the disk must be given back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { DataDirectory, startCliBroker } from "../cli-broker.js";
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { MB } from "../messages.js";
import type { Remote } from "../remote.js";
import { residentBytesMax } from "../resident-memory.js";

export const BACKLOG = "backlog";
export const BACKLOG_MEMORY = "resident memory of the broker, at most";
export const BACKLOG_LEFT = "bytes on the disk after draining";
export const BACKLOG_DRAINED = "messages drained ÷ messages stored";
const COUNT = 4_096;
const QUICK_COUNT = 512;
const CLIENTS = 8;
const LOAD_MS = 240_000;
/** How long the disk may take to be given back. */
const RETURN_MS = 10_000;
const RETURNED_BYTES = 8 * MB;

async function load(client: Remote, port: number, operation: string, countMax: number) {
  const bounds = { clients: CLIENTS, durationMs: LOAD_MS, countMax };
  const what = { port, operation, queueName: "backlog", bytes: MB };
  return client.call<LoadResult>("load", { ...what, ...bounds }, LOAD_MS + 10_000);
}

async function run(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const count = bench.isQuick ? QUICK_COUNT : COUNT;
  const directory = new DataDirectory(processes);
  const flags = ["--max-queue-size", "0"];
  const broker = await startCliBroker(processes, { durability: "fsync", directory, flags });
  const client = await processes.node("processes/raw-client.ts");
  bench.say(`backlog: ${count} messages of 1 MB`);
  const pushed = await load(client, broker.port, "push", count);
  const storedBytes = directory.bytes;
  const popped = await load(client, broker.port, "pop", pushed.count);
  for (let waitedMs = 0; waitedMs < RETURN_MS && directory.bytes > RETURNED_BYTES; waitedMs += 100)
    await sleep(100);
  const mb = (bytes: number) => ({ unit: "MB", value: bytes / MB });
  const rate = (value: number) => ({ unit: "MB/s", value });
  figures.add(BACKLOG, BACKLOG_MEMORY, mb(residentBytesMax(broker.pid)));
  figures.add(BACKLOG, "bytes on the disk before draining", mb(storedBytes));
  figures.add(BACKLOG, BACKLOG_LEFT, mb(directory.bytes));
  figures.add(BACKLOG, BACKLOG_DRAINED, { unit: "×", value: popped.count / count });
  figures.add(BACKLOG, "push", rate(pushed.perSecond));
  figures.add(BACKLOG, "pop", rate(popped.perSecond));
}

export const backlog: Measurement = {
  name: BACKLOG,
  about: "a backlog of 4 GiB in messages of 1 MB",
  limitMs: 540_000,
  run,
};
