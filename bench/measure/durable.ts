/**
 * What durability costs: push + pop of the TypeScript client and of the unmodified Python client on
 * brokers that differ in nothing but `--durability`, in turn.
 */
import {
  type CliBroker,
  type CliBrokerOptions,
  type Durability,
  startCliBroker,
} from "../cli-broker.js";
import type { Bench, Measurement } from "../harness.js";
import type { LoadResult } from "../load.js";
import { jobFrame, KB } from "../messages.js";
import { PythonClients } from "./python-clients.js";

export const DURABLE = "durable";
export const DURABLE_PYTHON = "durable-python";
const MODES = ["memory", "os", "fsync"] as const satisfies readonly Durability[];
const THREADS = [1, 64] as const;
const IN_FLIGHT = [1, 64] as const;

type Client = "TypeScript" | "Python";
interface Load {
  readonly client: Client;
  readonly inFlight: number;
}

const pairName = ({ client, inFlight }: Load, mode: Durability) =>
  `push + pop 1 KB, ${client}, ${inFlight} in flight, ${mode}`;
export const durableRatio = ({ client, inFlight }: Load, mode: Durability = "fsync") =>
  `push + pop 1 KB, ${client}, ${inFlight} in flight, ${mode} ÷ memory`;

type Brokers = Readonly<Record<Durability, CliBroker>>;

async function startBrokers({ processes }: Bench): Promise<Brokers> {
  const start = (durability: CliBrokerOptions["durability"]) =>
    startCliBroker(processes, { durability, flags: ["--max-queue-size", "0"] });
  return { memory: await start("memory"), os: await start("os"), fsync: await start("fsync") };
}

/** Which broker comes first changes from round to round. */
const turns = (round: number) => (round % 2 === 1 ? MODES : [...MODES].reverse());

function addRatios({ figures }: Bench, group: string, load: Load): void {
  for (const mode of ["os", "fsync"] as const) {
    const pair = { over: pairName(load, mode), under: pairName(load, "memory") };
    figures.addRatio(group, durableRatio(load, mode), pair);
  }
}

async function runTypeScript(bench: Bench): Promise<void> {
  const { processes, figures } = bench;
  const brokers = await startBrokers(bench);
  const client = await processes.node("processes/load-client.ts");
  const load = { bytes: KB, queueName: "pairs" };
  for (const mode of MODES) {
    const warmUp = { ...load, port: brokers[mode].port, clients: 64, durationMs: 1_500 };
    await client.call("pairs", warmUp);
  }
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`durable, round ${round} of ${bench.rounds}`);
    for (const clients of IN_FLIGHT) {
      for (const mode of turns(round)) {
        const bounds = { clients, durationMs: bench.lengthMs(3_000) };
        const { port } = brokers[mode];
        const result = await client.call<LoadResult>("pairs", { ...load, ...bounds, port });
        const name = pairName({ client: "TypeScript", inFlight: clients }, mode);
        figures.add(DURABLE, name, { unit: "per s", value: result.perSecond });
        figures.add(DURABLE, `${name}, p99`, { unit: "ms", value: result.p99Ms });
      }
    }
  }
  for (const inFlight of IN_FLIGHT) addRatios(bench, DURABLE, { client: "TypeScript", inFlight });
}

async function runPython(bench: Bench): Promise<void> {
  const { python, processes, figures } = bench;
  if (python === undefined) return;
  const brokers = await startBrokers(bench);
  const clients = new PythonClients(processes, python);
  const job = { ...jobFrame(), bytes: KB };
  const load = { operation: "pair", queueName: "pairs", job };
  for (const mode of MODES) {
    await clients.load({ ...load, port: brokers[mode].port, threads: 8, durationMs: 1_500 });
  }
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`durable-python, round ${round} of ${bench.rounds}`);
    for (const threads of THREADS) {
      for (const mode of turns(round)) {
        const bounds = { threads, durationMs: bench.lengthMs(4_000), warmUpMs: 500 };
        const result = await clients.load({ ...load, ...bounds, port: brokers[mode].port });
        const name = pairName({ client: "Python", inFlight: threads }, mode);
        figures.add(DURABLE_PYTHON, name, { unit: "per s", value: result.perSecond });
        if (result.errors === 0) continue;
        figures.notes.push(`${name}: ${result.errors} errors of the client`);
      }
    }
  }
  for (const inFlight of THREADS) addRatios(bench, DURABLE_PYTHON, { client: "Python", inFlight });
}

export const durable: Measurement = {
  name: DURABLE,
  about: "push + pop of the TypeScript client, durable and in memory",
  limitMs: 180_000,
  run: runTypeScript,
};

export const durablePython: Measurement = {
  name: DURABLE_PYTHON,
  about: "push + pop of the unmodified Python client, durable and in memory",
  limitMs: 240_000,
  run: runPython,
};
