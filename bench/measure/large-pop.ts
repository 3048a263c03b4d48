/**
 * POP of 32 MB with 8 clients that write once and do not parse: our broker, the stub that passes
 * bodies on as they are, and the same stub told to parse them.
 */
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { SIZES } from "../messages.js";
import type { Remote } from "../remote.js";

export const LARGE_POP = "large-pop";
const OURS = "POP 32 MB, 8 raw clients, ours";
const STUB_RAW = "POP 32 MB, 8 raw clients, stub that passes bodies on";
const STUB_PARSE = "POP 32 MB, 8 raw clients, stub that parses bodies";
export const OVER_PARSE = "ours ÷ stub that parses bodies";
const OVER_RAW = "ours ÷ stub that passes bodies on";
/** 768 MB in the queue. */
const COUNT = 24;
/** Two processes, so that the server is what is measured. */
const CLIENT_PROCESSES = 2;
const CLIENTS_EACH = 4;

async function measure(clients: readonly Remote[], port: number): Promise<number> {
  const queueName = "large";
  const bytes = SIZES["32 MB"];
  const load = { port, queueName, bytes, durationMs: 60_000 };
  const [first] = clients as [Remote];
  await first.call("load", { ...load, operation: "push", clients: 4, countMax: COUNT }, 90_000);
  const pop = { ...load, operation: "pop", clients: CLIENTS_EACH };
  const results = await Promise.all(
    clients.map((client) =>
      client.call<LoadResult>("load", { ...pop, countMax: COUNT / CLIENT_PROCESSES }, 90_000),
    ),
  );
  // Each process times its own half; together they are as slow as the slower one.
  return Math.min(...results.map(({ perSecond }) => perSecond)) * CLIENT_PROCESSES;
}

async function run(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const broker = await processes.broker();
  const raw = await processes.node("stub-server.ts");
  const parse = await processes.node("stub-server.ts");
  const rawPort = await raw.call<number>("listen", { mode: "raw" });
  const parsePort = await parse.call<number>("listen", { mode: "parse" });
  const starting = Array.from({ length: CLIENT_PROCESSES }, () =>
    processes.node("processes/raw-client.ts"),
  );
  const clients = await Promise.all(starting);
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`large-pop, round ${round} of ${bench.rounds}`);
    for (const [name, port] of [
      [OURS, broker.port],
      [STUB_RAW, rawPort],
      [STUB_PARSE, parsePort],
    ] as const) {
      figures.add(LARGE_POP, name, { unit: "per s", value: await measure(clients, port) });
    }
  }
  figures.addRatio(LARGE_POP, OVER_PARSE, { over: OURS, under: STUB_PARSE });
  figures.addRatio(LARGE_POP, OVER_RAW, { over: OURS, under: STUB_RAW });
}

export const largePop: Measurement = {
  name: LARGE_POP,
  about: "POP of 32 MB with 8 raw clients, against a server that parses bodies",
  limitMs: 240_000,
  run,
};
