import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, statfsSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bodyOf, tagOf } from "./harness/bodies.js";
import { Broker } from "./harness/broker.js";
import { ackFrame, drain, jobFrame, onLine, pop, pushFrame, pushOn } from "./harness/calls.js";
import { type Fault, Skip, type Trial } from "./harness/fault.js";
import { jobText } from "./harness/jobs.js";
import { LineLost, RawLine } from "./harness/raw-line.js";
import { until } from "./harness/waits.js";
import { checkHistory, History, tell } from "./history.js";

const MiB = 1024 * 1024;
const DISK = "24m";
const MIN_FREE_BYTES = MiB;
const QUEUE = "q";
const HEAL_MS = 20_000;

export const f09: Fault = {
  name: "F9",
  title: "the disk is full at a push, at a result and between a push's ACK and its write",
  limitMs: 600_000,
  async run(trial) {
    const disk = mountDisk(trial);
    const dataDir = join(disk, "data");
    await mkdir(dataDir);
    const args = ["--min-free-bytes", `${MIN_FREE_BYTES}`, "--max-cached-bytes", "0"];
    const broker = await Broker.start(trial, { dataDir, args });
    const filler = new Filler(trial, disk);
    const history = new History();
    const resumeMs: number[] = [];
    const rounds = trial.count(20, 2);
    for (let round = 0; round < rounds; round++) {
      const scene = { trial, broker, filler, history, round };
      await fullBefore(scene, resumeMs);
      await fullAfterAck(scene, resumeMs);
    }
    await broker.kill();
    await broker.start();
    for (const text of await drain(broker.port, QUEUE)) noteTaken(history, text);
    const violations = checkHistory(history.events, {
      isDrained: true,
      orderedQueues: [QUEUE],
      hasResults: false,
    });
    for (const { kind, what } of violations) trial.problem(`${kind}: ${what}`);
    const found = tell(violations, ["lost", "duplicate"]);
    return `${rounds} rounds: ${found}; resumes within ${Math.round(Math.max(...resumeMs))} ms`;
  },
};

interface Scene {
  readonly trial: Trial;
  readonly broker: Broker;
  readonly filler: Filler;
  readonly history: History;
  readonly round: number;
}

/** A small file system in memory. */
function mountDisk(trial: Trial): string {
  const folder = trial.folder();
  try {
    const options = ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", folder];
    execFileSync("mount", options, { stdio: "pipe" });
  } catch (error) {
    throw new Skip(`a small disk cannot be mounted here: ${String(error).split("\n")[0]}`);
  }
  trial.defer(() => execFileSync("umount", ["-l", folder]));
  return folder;
}

/** Another program that uses the disk up, and gives it back. */
class Filler {
  readonly #fd: number;
  readonly #disk: string;
  #bytes = 0;

  constructor(trial: Trial, disk: string) {
    this.#disk = disk;
    this.#fd = openSync(join(disk, "filler"), "w");
    trial.defer(() => closeSync(this.#fd));
  }

  /** Leaves so many bytes free. */
  fill(leftBytes: number): void {
    const block = Buffer.alloc(4096, 1);
    for (;;) {
      const { bavail, bsize } = statfsSync(this.#disk);
      if (bavail * bsize <= leftBytes) return;
      try {
        this.#bytes += writeSync(this.#fd, block, 0, block.length, this.#bytes);
      } catch {
        return;
      }
    }
  }

  empty(): void {
    ftruncateSync(this.#fd, 0);
    this.#bytes = 0;
  }
}

function noteTaken(history: History, text: string): void {
  const body = tagOf(text);
  for (const kind of ["delivered", "settling", "settled"] as const) {
    history.note({ kind, queue: QUEUE, body });
  }
}

async function pushOne(scene: Scene, tag: string, length: number): Promise<boolean> {
  const { broker, history } = scene;
  const { text } = bodyOf(tag, length);
  history.note({ kind: "asked", queue: QUEUE, body: tag });
  const pushed = await onLine(broker.port, (line) => pushOn(line, pushFrame(QUEUE, text)));
  if ("id" in pushed) history.note({ kind: "acknowledged", queue: QUEUE, body: tag });
  else scene.trial.check(pushed.refusal === "Queue is full", `refused: ${pushed.refusal}`);
  return "id" in pushed;
}

async function takeOne({ trial, broker, history }: Scene): Promise<void> {
  const text = await pop(broker.port, QUEUE);
  if (text === undefined) trial.problem("nothing could be taken from a full disk");
  else noteTaken(history, text);
}

/** The want of room is known before the first response. */
async function fullBefore(scene: Scene, resumeMs: number[]): Promise<void> {
  const { trial, broker, filler, round } = scene;
  for (let number = 0; number < 6; number++) {
    trial.check(
      await pushOne(scene, `${round}a${number}`, 60_000),
      "a push was refused for nothing",
    );
  }
  const job = await onLine(broker.port, (line) =>
    pushOn(line, jobFrame("jobs", jobText("work", `${round}`))),
  );
  const jobId = "id" in job ? job.id : "";
  filler.fill(MIN_FREE_BYTES - 64 * 1024);
  let number = 0;
  // What is known of the room is up to 200 ms old.
  await until("a push is refused", HEAL_MS, async () => {
    return !(await pushOne(scene, `${round}b${number++}`, 1_000));
  });
  const answer = () => onLine(broker.port, (line) => pushOn(line, pushFrame(jobId, '{"a":1}')));
  const refused = await answer();
  trial.check("refusal" in refused, "a result was stored on a full disk");
  await takeOne(scene);
  filler.empty();
  const emptiedAtMs = performance.now();
  await until("a push is taken again", HEAL_MS, () =>
    pushOne(scene, `${round}c${number++}`, 1_000),
  );
  resumeMs.push(performance.now() - emptiedAtMs);
  const answered = await answer();
  trial.check("id" in answered, `the result is refused still: ${JSON.stringify(answered)}`);
}

/** Another writer fills the disk between the first response and the ACK. */
async function fullAfterAck(scene: Scene, resumeMs: number[]): Promise<void> {
  const { trial, broker, filler, history, round } = scene;
  const { tag, text } = bodyOf(`${round}d`, 400_000);
  const frame = pushFrame(QUEUE, text);
  history.note({ kind: "asked", queue: QUEUE, body: tag });
  const line = await RawLine.open(broker.port);
  const first = await line.ask(frame);
  trial.check(first.code === 0, `the first response says ${first.reason}`);
  filler.fill(0);
  try {
    const final = await line.ask(ackFrame(first.transactionId));
    trial.problem(`a push on a full disk was answered with ${final.code} ${final.reason}`);
  } catch (error) {
    trial.check(error instanceof LineLost, `the push ended with ${error}`);
  }
  line.drop();
  // What is there can be taken all the while.
  for (let number = 0; number < 3; number++) await takeOne(scene);
  trial.check(!(await pushOne(scene, `${round}e`, 1_000)), "a push was taken by a full disk");
  filler.empty();
  const emptiedAtMs = performance.now();
  await until("the push is taken", HEAL_MS, async () => {
    const pushed = await onLine(broker.port, (again) => pushOn(again, frame));
    return "id" in pushed;
  });
  history.note({ kind: "acknowledged", queue: QUEUE, body: tag });
  resumeMs.push(performance.now() - emptiedAtMs);
}
