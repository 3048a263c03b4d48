/** PING, PUSH and POP of the TypeScript client, by size and number of clients. */
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { MB, SIZES, type SizeName } from "../messages.js";
import type { Remote } from "../remote.js";

const OPERATIONS = "operations";
const CLIENTS = [1, 8, 64] as const;
/** What a queue holds at most in a load, so that 32 MB messages fit into memory. */
const QUEUED_BYTES_MAX = 768 * MB;

const clientsText = (count: number) => `${count} client${count === 1 ? "" : "s"}`;

interface Cell {
  readonly port: number;
  readonly size: SizeName;
  readonly clients: number;
  readonly durationMs: number;
  readonly round: number;
}

/** First the pushes, then POPs of what they stored. */
async function measureCell(bench: Bench, client: Remote, cell: Cell): Promise<void> {
  const { port, size, clients, durationMs, round } = cell;
  const bytes = SIZES[size];
  const isBounded = bytes * clients >= QUEUED_BYTES_MAX / 4;
  const load = { port, bytes, clients, durationMs, queueName: `${size} ${clients} ${round}` };
  const countMax = Math.floor(QUEUED_BYTES_MAX / bytes);
  const push = { ...load, operation: "push", countMax };
  const pushed = await client.call<LoadResult>("operations", push);
  const pop = { ...load, operation: "pop", durationMs: 30_000, countMax: pushed.count };
  const popped = await client.call<LoadResult>("operations", pop);
  const suffix = isBounded ? " (few)" : "";
  const names = { PUSH: pushed, POP: popped };
  for (const [operation, { perSecond }] of Object.entries(names)) {
    const name = `${operation} ${size}, ${clientsText(clients)}${suffix}`;
    bench.figures.add(OPERATIONS, name, { unit: "per s", value: perSecond });
  }
}

async function run(bench: Bench): Promise<void> {
  const broker = await bench.processes.broker();
  const client = await bench.processes.node("processes/load-client.ts");
  const { port } = broker;
  const durationMs = bench.lengthMs(1_000);
  const warmUp = { port, operation: "push", queueName: "warm-up", bytes: 1_024, clients: 8 };
  await client.call("operations", { ...warmUp, durationMs: 1_000 });
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`operations, round ${round} of ${bench.rounds}`);
    for (const clients of CLIENTS) {
      const load = { port, operation: "ping", queueName: "", bytes: 0, clients, durationMs };
      const { perSecond } = await client.call<LoadResult>("operations", load);
      bench.figures.add(OPERATIONS, `PING, ${clientsText(clients)}`, {
        unit: "per s",
        value: perSecond,
      });
    }
    for (const size of Object.keys(SIZES) as SizeName[]) {
      for (const clients of CLIENTS) {
        await measureCell(bench, client, { port, size, clients, durationMs, round });
      }
    }
  }
}

export const operations: Measurement = {
  name: OPERATIONS,
  about: "PING, PUSH, POP per second, TypeScript client",
  limitMs: 240_000,
  run,
};
