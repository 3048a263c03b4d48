import { writeFileSync } from "node:fs";
import { encodeFrame } from "millrace/wire";
import { Broker } from "./harness/broker.js";
import { ackFrame, jobFrame, onLine, popFrame, pushOn, size } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { jobText } from "./harness/jobs.js";
import { Neighbour } from "./harness/latency.js";
import { RawLine } from "./harness/raw-line.js";
import { until } from "./harness/waits.js";

const MiB = 1024 * 1024;
/** A slow reader: this much, this often. */
const PIECES = 200;
const PIECE_PAUSE_MS = 15;
const ANSWER_MS = 120_000;

export const f16: Fault = {
  name: "F16",
  title: "a slow reader of a 256 MiB result",
  limitMs: 300_000,
  async run(trial) {
    const bytes = trial.count(256 * MiB, 16 * MiB);
    const broker = await Broker.start(trial, { dataDir: trial.folder() });
    const job = await onLine(broker.port, (line) =>
      pushOn(line, jobFrame("jobs", jobText("work", "large"))),
    );
    const jobId = "id" in job ? job.id : "";
    await pushLarge(trial, broker.port, jobId, bytes);
    const alone = await Neighbour.join(broker.port, "neighbours");
    await alone.times(300);
    await alone.leave();
    // The peak from here on is that of reading.
    writeFileSync(`/proc/${broker.pid}/clear_refs`, "5");
    const before = broker.memory();
    const neighbour = await Neighbour.join(broker.port, "neighbours");
    const neighbouring = neighbour.untilStopped();
    const seconds = await readSlowly(trial, broker.port, { jobId, bytes });
    neighbour.stop();
    await neighbouring;
    await neighbour.leave();
    const peak = broker.memory("peak");
    // The body, read back from the disk, and what is on its way.
    const isBounded = peak - before < 2 * bytes + 128 * MiB;
    trial.check(isBounded, `reading took ${Math.round((peak - before) / MiB)} MiB`);
    await until("the result is settled", 10_000, async () => {
      return (await size(broker.port, jobId)) === 0;
    });
    return (
      `${bytes / MiB} MiB read in ${seconds.toFixed(1)} s: neighbours' p99 ` +
      `${neighbour.p99Ms.toFixed(2)} ms (${alone.p99Ms.toFixed(2)} ms before), ` +
      `peak RSS ${Math.round(peak / MiB)} MiB (${Math.round(before / MiB)} MiB before)`
    );
  },
};

/** A message of one letter over and over, made without a copy of it as text. */
async function pushLarge(trial: Trial, port: number, queue: string, bytes: number): Promise<void> {
  const head = Buffer.from(`{"command":"PUSH","queue_name":"${queue}","message":"`);
  const tail = Buffer.from(`","timeout":100}`);
  const body = Buffer.concat([head, Buffer.alloc(bytes, "x"), tail]);
  const frame = encodeFrame(body.toString("latin1"));
  const line = await RawLine.open(port);
  const first = await line.ask(frame, ANSWER_MS);
  const final = await line.ask(ackFrame(first.transactionId), ANSWER_MS);
  trial.check(final.code === 0, `the result was not stored: ${final.reason}`);
  await line.end();
}

/** Reads in small pieces with pauses, compares every byte, and acknowledges. */
async function readSlowly(
  trial: Trial,
  port: number,
  { jobId, bytes }: { readonly jobId: string; readonly bytes: number },
): Promise<number> {
  const line = await RawLine.open(port);
  trial.defer(() => line.drop());
  const { socket } = line;
  const startedAtMs = performance.now();
  const pieceBytes = Math.ceil(bytes / PIECES);
  let pauseAt = pieceBytes;
  socket.on("data", () => {
    if (line.receivedBytes < pauseAt) return;
    pauseAt += pieceBytes;
    // What is not read stays in the system's buffers, and when they are full the broker waits.
    socket.pause();
    setTimeout(() => socket.resume(), PIECE_PAUSE_MS);
  });
  const first = await line.ask(popFrame(jobId, 1_000), ANSWER_MS);
  const isWhole = first.response === "x".repeat(bytes);
  trial.check(isWhole, "the result is not what was stored");
  const seconds = (performance.now() - startedAtMs) / 1000;
  const final = await line.ask(ackFrame(first.transactionId));
  trial.check(final.code === 0, `the result was not settled: ${final.reason}`);
  await line.end();
  return seconds;
}
