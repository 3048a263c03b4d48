/** What idle connections cost: resident memory of a broker in a fresh process, before and after. */
import type { Bench, Measurement } from "../harness.js";
import { settledBytes } from "../resident-memory.js";

export const CONNECTIONS = "connections";
export const CONNECTION_BYTES = "10,000 idle connections, memory of the broker each";
const OPENING = "10,000 connections, time to open them";
const COUNT = 10_000;
const CLIENT_PROCESSES = 2;

async function run(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`connections, round ${round} of ${bench.rounds}`);
    const broker = await processes.broker();
    const starting = Array.from({ length: CLIENT_PROCESSES }, () =>
      processes.node("processes/idle-connections.ts"),
    );
    const clients = await Promise.all(starting);
    const { port, pid } = broker;
    await clients[0]?.call("open", { port, count: 50 });
    const idle = await settledBytes(pid);
    const startedAtMs = performance.now();
    const count = COUNT / CLIENT_PROCESSES;
    await Promise.all(clients.map((client) => client.call("open", { port, count })));
    const openingMs = performance.now() - startedAtMs;
    const full = await settledBytes(pid);
    const open = await Promise.all(clients.map((client) => client.call<number>("countOpen")));
    const openCount = open.reduce((sum, each) => sum + each, 0);
    if (openCount < COUNT) throw new Error(`only ${openCount} connections stayed open`);
    figures.add(CONNECTIONS, CONNECTION_BYTES, { unit: "bytes", value: (full - idle) / COUNT });
    figures.add(CONNECTIONS, OPENING, { unit: "ms", value: openingMs });
    await processes.endAll();
  }
}

export const connections: Measurement = {
  name: CONNECTIONS,
  about: "10,000 idle connections",
  limitMs: 240_000,
  run,
};
