import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Broker } from "./harness/broker.js";
import {
  ackFrame,
  jobFrame,
  onLine,
  pop,
  popFrame,
  push,
  pushFrame,
  pushOn,
  size,
} from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf, jobText } from "./harness/jobs.js";
import { pathOf } from "./harness/processes.js";
import { RawLine } from "./harness/raw-line.js";
import { sleep, until } from "./harness/waits.js";

const HOUR_MS = 3_600_000;
const JUMPS_MS = [24 * HOUR_MS, -HOUR_MS, HOUR_MS, 0];
const LEASE_MS = 2_000;
/** Watched after a jump for what comes too early. */
const WATCH_MS = 700;
const JOB_TIMEOUT_MS = 30_000;
const GRACE_MS = 10_000;

export const f23: Fault = {
  name: "F23",
  title: "the wall clock jumps by a day and by hours, forth and back",
  limitMs: 120_000,
  async run(trial) {
    const clock = join(trial.folder(), "clock");
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      env: { CLOCK_FILE: clock },
      nodeOptions: ["--import", pathOf("processes/jumping-clock.mjs")],
      args: [
        "--job-timeout-ms",
        `${JOB_TIMEOUT_MS}`,
        "--result-retention-ms",
        `${HOUR_MS / 2}`,
        "--unfetched-retention-ms",
        `${HOUR_MS / 2}`,
        "--result-lease-ms",
        `${LEASE_MS}`,
        "--queues",
        '{"old":{"settle":"on-result"}}',
      ],
    });
    const scene = { trial, broker, wrong: 0, leaseMs: [] as number[] };
    for (const shiftMs of JUMPS_MS) {
      await throughJump(scene, shiftMs, async () => {
        writeFileSync(clock, `${shiftMs}`);
        broker.proc.signal("SIGUSR2");
        await broker.proc.logged(new RegExp(`clock shifted by ${shiftMs}\n(?![^]*clock shifted)`));
      });
    }
    const longest = Math.round(Math.max(...scene.leaseMs));
    trial.check(longest < LEASE_MS + GRACE_MS, `a lease of ${LEASE_MS} ms took ${longest} ms`);
    return `${JUMPS_MS.length} jumps: wrong expiries ${scene.wrong}; a lease of ${LEASE_MS} ms ends after ${longest} ms`;
  },
};

interface Scene {
  readonly trial: Trial;
  readonly broker: Broker;
  wrong: number;
  readonly leaseMs: number[];
}

async function throughJump(scene: Scene, shiftMs: number, jump: () => Promise<void>) {
  const { trial, broker } = scene;
  const { port } = broker;
  const name = `jump ${shiftMs}`;
  const expect = (holds: boolean, text: string) => {
    if (!holds) scene.wrong++;
    trial.check(holds, `${name}: ${text}`);
  };
  // A lease whose consumer answers, one whose consumer is silent, and one of an old consumer.
  const [answering, silent] = [await RawLine.open(port), await RawLine.open(port)];
  await push(port, `${name} a`, "a");
  await push(port, `${name} b`, "b");
  const first = await answering.ask(popFrame(`${name} a`, 60));
  await silent.ask(popFrame(`${name} b`, LEASE_MS / 1000));
  const oldJob = await pushJob(port, "old", `${name} old`);
  const oldLease = pop(port, "old", 5);
  trial.check((await oldLease)?.includes(oldJob) === true, `${name}: no job for the old consumer`);
  const leasedAtMs = performance.now();
  // Jobs: one that waits, one with a result that nobody fetched, one whose result was fetched.
  const waiting = await pushJob(port, "jobs", `${name} waiting`);
  const [unfetched, fetched] = [
    await pushJob(port, "jobs", `${name} unfetched`),
    await pushJob(port, "jobs", `${name} fetched`),
  ];
  for (const jobId of [unfetched, fetched]) await push(port, jobId, '{"status":"success"}');
  await pop(port, fetched);
  // A push whose final response its client did not read.
  const doubt = pushFrame(`${name} doubt`, "doubt");
  const doubter = await RawLine.open(port);
  const initiated = await doubter.ask(doubt);
  doubter.socket.write(ackFrame(initiated.transactionId), () => doubter.reset());
  await doubter.closed;
  await jump();
  await sleep(WATCH_MS);
  expect((await size(port, `${name} b`)) === 0, "a lease ended early");
  expect((await size(port, "old")) === 0, "the lease of an old consumer ended early");
  expect((await size(port, waiting)) === 0, "a job was given up early");
  expect((await pop(port, unfetched))?.includes("success") === true, "a result expired unfetched");
  expect((await pop(port, fetched))?.includes("success") === true, "a fetched result expired");
  const acked = await answering.ask(ackFrame(first.transactionId));
  expect(acked.code === 0, `a good ACK was refused: ${acked.reason}`);
  const again = await onLine(port, (line) => pushOn(line, doubt));
  expect("id" in again && again.id === initiated.transactionId, "a repetition was not recognised");
  // And they do end, by the clock that does not jump.
  await until(`${name}: the silent lease ends`, LEASE_MS + GRACE_MS, async () => {
    return (await size(port, `${name} b`)) === 1 && (await size(port, "old")) === 1;
  });
  scene.leaseMs.push(performance.now() - leasedAtMs);
  trial.check((await pop(port, "old", 5))?.includes(oldJob) === true, `${name}: another job`);
  await push(port, oldJob, '{"status":"success"}');
  const result = await pop(port, oldJob);
  trial.check(endingOf(result ?? "{}") === "success", `${name}: the old consumer's job failed`);
  for (const line of [answering, silent]) line.drop();
}

async function pushJob(port: number, queue: string, name: string): Promise<string> {
  const pushed = await onLine(port, (line) => pushOn(line, jobFrame(queue, jobText("work", name))));
  if (!("id" in pushed)) throw new Error(`a job was refused: ${pushed.refusal}`);
  return pushed.id;
}
