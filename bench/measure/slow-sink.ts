/**
 * A slow sink behind a source that always has more: ten minutes of it must take no more memory than
 * the first ones, and never more bytes in flight than allowed.
 */
import { type Bench, type Measurement, medianOf } from "../harness.js";
import { MB } from "../messages.js";
import type { SlowSinkResult, SlowSinkSetup } from "../processes/slow-sink.js";

export const SLOW_SINK = "slow-sink";
const DURATION_MS = 600_000;
const QUICK_MS = 30_000;
const SINK_MS = 100;
const MAX_BYTES_IN_FLIGHT = 16 * MB;

/** How messages leave the parts, and how many the sink takes at a time. */
const WAYS = {
  "as finished": { isOrdered: false, sinkCount: 8 },
  "in order": { isOrdered: true, sinkCount: 1 },
} as const;
type Way = keyof typeof WAYS;
export const SLOW_SINK_WAYS = Object.keys(WAYS) as readonly Way[];

export const residentRatio = (way: Way) => `${way}, resident memory, last quarter ÷ second quarter`;
export const inFlightRatio = (way: Way) => `${way}, bytes in flight, most ÷ maxBytesInFlight`;

async function measureWay(bench: Bench, way: Way): Promise<void> {
  const { figures, processes } = bench;
  const durationMs = bench.isQuick ? QUICK_MS : DURATION_MS;
  const pipeline = await processes.node("processes/slow-sink.ts");
  const bounds = { sinkMs: SINK_MS, maxBytesInFlight: MAX_BYTES_IN_FLIGHT };
  const setup: SlowSinkSetup = { ...WAYS[way], ...bounds };
  const patienceMs = durationMs + 60_000;
  const run = pipeline.call<SlowSinkResult>("run", { ...setup, durationMs }, patienceMs);
  const { resident, bytesInFlightMax, jobsInFlightMax, messageCount } = await run;
  const quarter = resident.length / 4;
  const before = medianOf(resident.slice(quarter, 2 * quarter));
  const after = medianOf(resident.slice(-quarter));
  const add = (name: string, unit: string, value: number) =>
    figures.add(SLOW_SINK, name, { unit, value });
  add(residentRatio(way), "×", after / before);
  add(`${way}, resident memory, last quarter`, "MB", after / MB);
  add(`${way}, resident memory, most`, "MB", Math.max(...resident) / MB);
  add(inFlightRatio(way), "×", bytesInFlightMax / MAX_BYTES_IN_FLIGHT);
  add(`${way}, messages in flight, most`, "messages", jobsInFlightMax);
  add(`${way}, messages delivered`, "messages", messageCount);
}

/** Side by side: neither is in the other's way, as both do little but wait. */
async function run(bench: Bench): Promise<void> {
  await Promise.all(SLOW_SINK_WAYS.map((way) => measureWay(bench, way)));
}

export const slowSink: Measurement = {
  name: SLOW_SINK,
  about: "a slow sink behind a fast source, for ten minutes",
  limitMs: 720_000,
  run,
};
