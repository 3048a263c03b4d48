/**
 * `npm run bench -- [--only NAME]… [--quick] [--rounds N] [--python PATH] [--json PATH]`
 * Runs the measurements one after the other, prints tables and writes JSON. See README.md.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Bench, Figures, type Measurement } from "./harness.js";
import { describeCommit, describeMachine, hasUpstream, loadAverage } from "./machine.js";
import { backlog } from "./measure/backlog.js";
import { bullmq } from "./measure/bullmq.js";
import { connections } from "./measure/connections.js";
import { durable, durablePython } from "./measure/durable.js";
import { faultyStages } from "./measure/faulty-stages.js";
import { jobs } from "./measure/jobs.js";
import { jobsPython } from "./measure/jobs-python.js";
import { largePop } from "./measure/large-pop.js";
import { memory } from "./measure/memory.js";
import { operations } from "./measure/operations.js";
import { operationsPython } from "./measure/operations-python.js";
import { overload } from "./measure/overload.js";
import { redis } from "./measure/redis.js";
import { restart } from "./measure/restart.js";
import { sigterm } from "./measure/sigterm.js";
import { slowSink } from "./measure/slow-sink.js";
import { stages } from "./measure/stages.js";
import { threadBytes } from "./measure/thread-bytes.js";
import { threads } from "./measure/threads.js";
import { Processes, pathOf } from "./remote.js";
import { listFigures, printReport, type Report, writeReport } from "./report.js";
import { summarise } from "./summary.js";

const MEASUREMENTS: readonly Measurement[] = [
  jobs,
  jobsPython,
  bullmq,
  redis,
  operations,
  operationsPython,
  largePop,
  memory,
  connections,
  sigterm,
  durable,
  durablePython,
  backlog,
  restart,
  overload,
  stages,
  slowSink,
  faultyStages,
  threadBytes,
  threads,
];
const ROUNDS = 3;
/** A quick run measures for this share of the time. */
const QUICK_SHARE = 0.4;

/** Where `interop/run` puts its environments, and where one made by hand may be. */
const INTEROP_PYTHONS = ["26.1.2/", "25.9.0/", ""].map(
  (version) => `../interop/.venv/${version}bin/python`,
);

const names = MEASUREMENTS.map(({ name }) => name).join(", ");

function readArguments() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      python: { type: "string" },
      json: { type: "string" },
    },
  });
  for (const name of values.only) {
    if (MEASUREMENTS.some((each) => each.name === name)) continue;
    throw new Error(`--only ${name}: there is no such measurement; there are ${names}`);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a whole number");
  return { ...values, rounds };
}

/** @throws when a Python was named that cannot be used. */
function findPython(named: string | undefined): string | undefined {
  const candidate = named ?? INTEROP_PYTHONS.map(pathOf).find((path) => existsSync(path));
  if (candidate !== undefined && hasUpstream(candidate)) return candidate;
  if (named !== undefined) throw new Error(`--python ${named}: cannot import nv_ingest_api`);
  return undefined;
}

/** Runs one measurement; when it fails or takes too long, that is noted and the next one follows. */
async function measure(measurement: Measurement, bench: Bench): Promise<void> {
  bench.say(`${measurement.name}: ${measurement.about}`);
  const timer = new AbortController();
  const limit = sleep(measurement.limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`did not end within ${measurement.limitMs} ms`);
  });
  try {
    await Promise.race([measurement.run(bench), limit]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    bench.figures.notes.push(`${measurement.name} FAILED: ${why}`);
    process.exitCode = 1;
  } finally {
    timer.abort();
    limit.catch(() => {});
    await bench.processes.endAll();
  }
}

async function main(): Promise<void> {
  const { only, quick: isQuick, rounds, json, ...values } = readArguments();
  const python = findPython(values.python);
  const figures = new Figures();
  const needsPython = only.length === 0 || only.some((name) => name.endsWith("-python"));
  if (python === undefined && needsPython) {
    figures.notes.push(
      "LEFT OUT: everything with the Python client and the original's broker. No Python with " +
        "nv-ingest-api was named by --python PATH or found in interop/.venv.",
    );
  }
  const bench: Bench = {
    isQuick,
    rounds,
    python,
    figures,
    processes: new Processes(),
    lengthMs: (fullMs) => (isQuick ? fullMs * QUICK_SHARE : fullMs),
    say: (text) => console.error(`… ${text}`),
  };
  const before = loadAverage();
  const date = new Date().toISOString();
  const commit = describeCommit();
  for (const measurement of MEASUREMENTS) {
    if (only.length === 0 || only.includes(measurement.name)) await measure(measurement, bench);
  }
  const report: Report = {
    commit,
    date,
    isQuick,
    rounds,
    machine: describeMachine(python),
    loadAverage: { before, after: loadAverage() },
    summary: summarise(figures),
    figures: listFigures(figures),
    notes: figures.notes,
  };
  printReport(report, figures);
  const path = json ?? pathOf(`results/${commit}.json`);
  writeReport(path, report);
  console.log(`written to ${path}`);
}

await main();
