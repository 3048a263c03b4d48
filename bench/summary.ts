/** What the project promises, each row with what was measured. */
import type { Figures } from "./harness.js";
import { BACKLOG, BACKLOG_DRAINED, BACKLOG_LEFT, BACKLOG_MEMORY } from "./measure/backlog.js";
import { BULLMQ, OF_BULLMQ } from "./measure/bullmq.js";
import { CONNECTION_BYTES, CONNECTIONS } from "./measure/connections.js";
import { DURABLE, DURABLE_PYTHON, durableRatio } from "./measure/durable.js";
import {
  FAULTY_COUNT,
  FAULTY_P99,
  FAULTY_RESULTS,
  FAULTY_STAGES,
  FAULTY_WRONG,
} from "./measure/faulty-stages.js";
import { JOBS, jobsName, MEMORY_OVER_TCP, OF_STUB } from "./measure/jobs.js";
import { JOBS_PYTHON, pythonJobsName, ratioName } from "./measure/jobs-python.js";
import { LARGE_POP, OVER_PARSE } from "./measure/large-pop.js";
import { MEMORY, memoryName } from "./measure/memory.js";
import { cellName, OPERATIONS_PYTHON, ratioOf } from "./measure/operations-python.js";
import { OVERLOAD, REFUSAL_P99 } from "./measure/overload.js";
import { overBullmq, persistenceOf, REDIS } from "./measure/redis-jobs.js";
import { RECOVERY } from "./measure/redis-recovery.js";
import { TRIP_CELLS, tripsName } from "./measure/redis-round-trips.js";
import { FOUR_WORKERS } from "./measure/redis-workers.js";
import { RESTART, RESTART_SMALL } from "./measure/restart.js";
import { SIGTERM, SIGTERM_EXIT } from "./measure/sigterm.js";
import { inFlightRatio, residentRatio, SLOW_SINK, SLOW_SINK_WAYS } from "./measure/slow-sink.js";
import { STAGES, tenOverOne } from "./measure/stages.js";
import { OVER_COPY, THREAD_BYTES } from "./measure/thread-bytes.js";
import { BEST_RATIO, THREADS } from "./measure/threads.js";

export interface SummaryRow {
  readonly what: string;
  readonly target: string;
  /** Null when it was not measured in this run. */
  readonly measured: number | null;
  readonly unit: string;
  readonly verdict: "pass" | "short" | "not measured";
}

interface Promised {
  readonly what: string;
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

function pythonRatios(): Promised[] {
  const size = "1 KB";
  const targets = [
    { cell: { size, threads: 1 }, atLeast: 100 },
    { cell: { size, threads: 8 }, atLeast: 15 },
    { cell: { size, threads: 64 }, atLeast: 30 },
    { cell: { size, threads: 64, each: 5 }, atLeast: 30 },
  ] as const;
  return targets.flatMap(({ cell: measured, atLeast }) =>
    ["PUSH", "POP"].map((operation) => {
      const cell = cellName(operation, measured);
      const what = `${cell}, Python client, ours ÷ upstream`;
      return { what, group: OPERATIONS_PYTHON, name: ratioOf(cell), unit: "×", atLeast };
    }),
  );
}

function slowSinkRatios(): Promised[] {
  const measured = { group: SLOW_SINK, unit: "×" };
  return SLOW_SINK_WAYS.flatMap((way) => {
    const what = `slow sink, fast source, ten minutes, ${way}`;
    const resident = `${what}: resident memory, last quarter ÷ second`;
    const inFlight = `${what}: bytes in flight, most ÷ their bound`;
    return [
      { ...measured, what: resident, name: residentRatio(way), atMost: 1.1 },
      { ...measured, what: inFlight, name: inFlightRatio(way), atMost: 1 },
    ];
  });
}

function redisPromises(): Promised[] {
  const measured = { group: REDIS, unit: "×" };
  const targets = [
    { size: "1 KB", appendFsync: "none", atLeast: 1 },
    { size: "1 MB", appendFsync: "none", atLeast: 1.5 },
    { size: "1 KB", appendFsync: "everysec", atLeast: 1 },
    { size: "1 MB", appendFsync: "everysec", atLeast: 1.5 },
    { size: "1 KB", appendFsync: "always", atLeast: 1 },
    { size: "1 MB", appendFsync: "always", atLeast: 1.5 },
  ] as const;
  const jobs = targets.map(({ atLeast, ...cell }) => {
    const what = `over Redis, ${persistenceOf(cell.appendFsync)}, no-op jobs of ${cell.size}, ours ÷ BullMQ`;
    return { ...measured, what, name: overBullmq(cell), atLeast };
  });
  const trips = TRIP_CELLS.map((cell) => {
    const what = `over Redis, ${tripsName(cell)}`;
    return { ...measured, what, name: tripsName(cell), unit: "per job", atMost: 4 };
  });
  const workers = `over Redis, ${FOUR_WORKERS}`;
  const recovery = `over Redis, ${RECOVERY}`;
  return [
    ...jobs,
    { ...measured, what: workers, name: FOUR_WORKERS, atLeast: 3.6 },
    ...trips,
    { ...measured, what: recovery, name: RECOVERY, unit: "ms", atMost: 4_000 },
  ];
}

const PROMISES: readonly Promised[] = [
  {
    what: "no-op job, Python client, one in flight, p50",
    group: JOBS_PYTHON,
    name: `${pythonJobsName("ours", 1)}, p50`,
    unit: "ms",
    atMost: 3,
  },
  {
    what: "no-op jobs, Python client, 64 in flight, ours ÷ upstream",
    group: JOBS_PYTHON,
    name: ratioName(64),
    unit: "×",
    atLeast: 80,
  },
  ...pythonRatios(),
  {
    what: "POP 32 MB, 8 raw clients, ours ÷ stub that parses bodies",
    group: LARGE_POP,
    name: OVER_PARSE,
    unit: "×",
    atLeast: 5,
  },
  {
    what: "no-op jobs over TCP, 64 in flight ÷ (bare stub's handshakes ÷ 4), new connections",
    group: JOBS,
    name: OF_STUB.each,
    unit: "×",
    atLeast: 0.5,
  },
  {
    what: "the same, the stub driven by the TypeScript client",
    group: JOBS,
    name: OF_STUB.client,
    unit: "×",
    atLeast: 0.5,
  },
  {
    what: "the same, the stub driven by raw clients that keep their connections",
    group: JOBS,
    name: OF_STUB.kept,
    unit: "×",
    atLeast: 0.5,
  },
  {
    what: "no-op jobs in one process ÷ over TCP",
    group: JOBS,
    name: MEMORY_OVER_TCP,
    unit: "×",
    atLeast: 2,
  },
  {
    what: "no-op jobs in one process (quiet machine)",
    group: JOBS,
    name: jobsName("memory", 64),
    unit: "jobs/s",
    atLeast: 8_000,
  },
  {
    what: "no-op jobs, 64 in flight, ours ÷ BullMQ's worker on Redis, results by events alone",
    group: BULLMQ,
    name: OF_BULLMQ.events,
    unit: "×",
    atLeast: 1.5,
  },
  {
    what: "the same, results by waitUntilFinished",
    group: BULLMQ,
    name: OF_BULLMQ.finished,
    unit: "×",
    atLeast: 1.5,
  },
  ...redisPromises(),
  {
    what: "memory of 1,000 queued messages of 64 KB ÷ their bytes",
    group: MEMORY,
    name: memoryName("1,000 × 64 KB"),
    unit: "×",
    atMost: 1.3,
  },
  {
    what: "10,000 idle connections, each",
    group: CONNECTIONS,
    name: CONNECTION_BYTES,
    unit: "bytes",
    atMost: 20_000,
  },
  {
    what: "SIGTERM with 1,000 idle connections and jobs in work, exit",
    group: SIGTERM,
    name: SIGTERM_EXIT,
    unit: "ms",
    atMost: 5_000,
  },
  {
    what: "push + pop, Python client, 64 threads, fsync ÷ memory",
    group: DURABLE_PYTHON,
    name: durableRatio({ client: "Python", inFlight: 64 }),
    unit: "×",
    atLeast: 0.8,
  },
  {
    what: "push + pop, Python client, one thread, fsync ÷ memory",
    group: DURABLE_PYTHON,
    name: durableRatio({ client: "Python", inFlight: 1 }),
    unit: "×",
    atLeast: 0.45,
  },
  {
    what: "push + pop, TypeScript client, 64 in flight, fsync ÷ memory",
    group: DURABLE,
    name: durableRatio({ client: "TypeScript", inFlight: 64 }),
    unit: "×",
    atLeast: 0.5,
  },
  {
    what: "backlog of 4 GiB, resident memory of the broker",
    group: BACKLOG,
    name: BACKLOG_MEMORY,
    unit: "MB",
    atMost: 300,
  },
  {
    what: "the same, messages drained ÷ stored",
    group: BACKLOG,
    name: BACKLOG_DRAINED,
    unit: "×",
    atLeast: 1,
  },
  {
    what: "the same, bytes left on the disk",
    group: BACKLOG,
    name: BACKLOG_LEFT,
    unit: "MB",
    atMost: 8,
  },
  {
    what: "restart with 100,000 queued messages of 1 KB",
    group: RESTART,
    name: RESTART_SMALL,
    unit: "ms",
    atMost: 2_000,
  },
  {
    what: "overload, pushes refused, p99",
    group: OVERLOAD,
    name: REFUSAL_P99,
    unit: "ms",
    atMost: 10,
  },
  {
    what: "no-op pipeline of 10 stages ÷ 1, jobs per second, tracing on",
    group: STAGES,
    name: tenOverOne(true),
    unit: "×",
    atLeast: 0.6,
  },
  {
    what: "the same, tracing off",
    group: STAGES,
    name: tenOverOne(false),
    unit: "×",
    atLeast: 0.6,
  },
  ...slowSinkRatios(),
  {
    what: "1,000 jobs, 2.5 % of which throw, hang or kill their thread: results",
    group: FAULTY_STAGES,
    name: FAULTY_RESULTS,
    unit: "jobs",
    atLeast: FAULTY_COUNT,
  },
  {
    what: "the same, wrong verdicts",
    group: FAULTY_STAGES,
    name: FAULTY_WRONG,
    unit: "jobs",
    atMost: 0,
  },
  {
    what: "the same at a quarter of capacity: (p99 of good jobs − without faults) ÷ timeoutMs",
    group: FAULTY_STAGES,
    name: FAULTY_P99,
    unit: "×",
    atMost: 1,
  },
  {
    what: "32 MB as bytes, there and back through a thread stage ÷ one copy",
    group: THREAD_BYTES,
    name: OVER_COPY,
    unit: "×",
    atMost: 3,
  },
  {
    what: "CPU-bound stage, two threads ÷ one, best of 5 pairs",
    group: THREADS,
    name: BEST_RATIO,
    unit: "×",
    atLeast: 1.7,
  },
];

export function summarise(figures: Figures): SummaryRow[] {
  return PROMISES.map(({ what, group, name, unit, atLeast, atMost }) => {
    const measured = figures.median(group, name) ?? null;
    const target = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    const keeps =
      measured !== null && measured >= (atLeast ?? 0) && measured <= (atMost ?? Infinity);
    const verdict = measured === null ? "not measured" : keeps ? "pass" : "short";
    return { what, target, measured, unit, verdict };
  });
}
