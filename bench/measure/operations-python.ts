/** PING, PUSH and POP of the unmodified Python client against ours and the original's broker. */
import type { Bench, Measurement } from "../harness.js";
import { jobFrame, SIZES, type SizeName } from "../messages.js";
import { PythonClients } from "./python-clients.js";

export const OPERATIONS_PYTHON = "operations-python";

interface Cell {
  readonly size: SizeName;
  readonly threads: number;
  /** Messages of each thread; the rate is told when the last one is through. Else it runs for a time. */
  readonly each?: number;
}

const CELLS: readonly Cell[] = [
  { size: "1 KB", threads: 1 },
  { size: "1 KB", threads: 8 },
  { size: "1 KB", threads: 64 },
  { size: "1 KB", threads: 64, each: 5 },
  { size: "64 KB", threads: 1 },
  { size: "64 KB", threads: 8 },
  { size: "1 MB", threads: 1 },
  { size: "1 MB", threads: 8 },
];

export const cellName = (operation: string, { size, threads, each }: Cell) =>
  `${operation} ${size}, ${threads} thread${threads === 1 ? "" : "s"}` +
  (each === undefined ? "" : `, ${each} messages each`);
/** How long a fixed number of messages may take. */
const FIXED_MS = 30_000;
export const ratioOf = (cell: string) => `${cell}, ours ÷ upstream`;

interface Target {
  readonly name: "ours" | "upstream";
  readonly port: number;
}

/** PING, then PUSH for a time, then POP of what was stored, within the same time. */
async function measureCell(
  bench: Bench,
  clients: PythonClients,
  cell: Cell & { target: Target; round: number },
): Promise<void> {
  const { target, size, threads, each, round } = cell;
  const note = (operation: string, value: number) => {
    const name = `${cellName(operation, cell)}, ${target.name}`;
    bench.figures.add(OPERATIONS_PYTHON, name, { unit: "per s", value });
  };
  const isFixed = each !== undefined;
  const durationMs = isFixed ? FIXED_MS : bench.lengthMs(threads > 8 ? 4_000 : 2_000);
  const job = { ...jobFrame(), bytes: SIZES[size] };
  const queueName = `${size} ${threads} ${each} ${round}`;
  const load = { port: target.port, threads, durationMs, queueName, job };
  if (size === "1 KB" && !isFixed) {
    const pinged = await clients.load({ ...load, operation: "ping" });
    note("PING", pinged.perSecond);
    if (pinged.errors > 0) {
      const where = `${target.name}, ${threads} threads`;
      bench.figures.notes.push(`PING: ${pinged.errors} errors of the client (${where})`);
    }
  }
  const bound = isFixed ? { countMax: threads * each } : {};
  const pushed = await clients.load({ ...load, ...bound, operation: "push" });
  note("PUSH", pushed.perSecond);
  if (pushed.stored === 0) return;
  const popped = await clients.load({ ...load, operation: "pop", countMax: pushed.stored });
  note("POP", popped.perSecond);
}

async function run(bench: Bench): Promise<void> {
  const { python, processes, figures } = bench;
  if (python === undefined) return;
  const ours = await processes.broker();
  const clients = new PythonClients(processes, python);
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`operations-python, round ${round} of ${bench.rounds}`);
    const upstream = await processes.python(python, "python/upstream_broker.py");
    const upstreamPort = await upstream.call<number>("listen");
    for (const cell of CELLS) {
      for (const target of [
        { name: "ours", port: ours.port },
        { name: "upstream", port: upstreamPort },
      ] as const) {
        await measureCell(bench, clients, { ...cell, target, round });
      }
    }
    await upstream.end();
  }
  for (const cell of CELLS) {
    for (const operation of ["PING", "PUSH", "POP"]) {
      const name = cellName(operation, cell);
      const pair = { over: `${name}, ours`, under: `${name}, upstream` };
      figures.addRatio(OPERATIONS_PYTHON, ratioOf(name), pair);
    }
  }
}

export const operationsPython: Measurement = {
  name: OPERATIONS_PYTHON,
  about: "PING, PUSH, POP per second, unmodified Python client, ours and the original's broker",
  limitMs: 420_000,
  run,
};
