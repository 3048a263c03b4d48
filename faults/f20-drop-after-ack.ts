import { Broker } from "./harness/broker.js";
import { ackFrame, drain, jobFrame, onLine, pushFrame, pushOn } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { jobText } from "./harness/jobs.js";
import { Proc, pathOf } from "./harness/processes.js";
import { FaultProxy } from "./harness/proxy.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf } from "./harness/waits.js";

const THREADS = 64;
const PYTHON_MS = 900_000;
/** Of the connections of the Python clients so many are cut. */
const CUT_SHARE = 0.3;
/** Longer than any final response with its header; beyond its end means at its end. */
const FINAL_BYTES = 170;

/** How a client leaves that has sent its ACK and has read nothing. */
const LEAVE: Readonly<Record<string, (line: RawLine) => void>> = {
  drop: (line) => line.drop(),
  reset: (line) => line.reset(),
};

export const f20: Fault = {
  name: "F20",
  title: "a client sends its ACK and is gone before the final response",
  limitMs: 900_000,
  async run(trial) {
    const own = await dropOwn(trial);
    const python = await cutPython(trial);
    return `${own}; ${python}`;
  },
};

async function dropOwn(trial: Trial): Promise<string> {
  const rounds = trial.count(500, 10);
  let duplicates = 0;
  let lost = 0;
  let pushes = 0;
  for (const dataDir of [trial.folder(), undefined]) {
    const broker = await Broker.start(trial, dataDir === undefined ? {} : { dataDir });
    for (const [how, leave] of Object.entries(LEAVE)) {
      const where = `${how}, ${dataDir === undefined ? "memory" : "fsync"}`;
      await eachOf(rounds, 8, async (number) => {
        const queue = `${how} ${number}`;
        const text = jobText("work", `${how} ${number}`);
        const frame = number % 2 === 0 ? pushFrame(queue, text) : jobFrame(queue, text);
        const line = await RawLine.open(broker.port);
        const first = await line.ask(frame);
        line.socket.write(ackFrame(first.transactionId), () => leave(line));
        await line.closed;
        const again = await onLine(broker.port, (other) => pushOn(other, frame));
        trial.check("id" in again, `${where}: the repetition was refused`);
        const bodies = await drain(broker.port, queue);
        pushes++;
        duplicates += Math.max(0, bodies.length - 1);
        if (bodies.length === 0) lost++;
        trial.check(bodies.length === 1, `${where}: the queue held ${bodies.length} messages`);
      });
      await honestEquals(trial, broker, `honest ${how}`);
    }
    await broker.stop();
  }
  return `${pushes} pushes dropped: dup ${duplicates}, lost ${lost}`;
}

/** Two clients that push the same, and hear that it is stored, have two messages. */
async function honestEquals(trial: Trial, broker: Broker, queue: string): Promise<void> {
  for (let number = 0; number < 2; number++) {
    await onLine(broker.port, (line) => pushOn(line, pushFrame(queue, "equal")));
  }
  const bodies = await drain(broker.port, queue);
  trial.check(bodies.length === 2, `two honest equal pushes became ${bodies.length}`);
}

interface Done {
  readonly pushes: readonly (readonly [number, number, string | null, string])[];
}

/** Unmodified Python clients; both sides are reset at a random byte of the final response. */
async function cutPython(trial: Trial): Promise<string> {
  if (trial.python === undefined) {
    console.log(
      "  F20 LEFT OUT: the part with unmodified Python clients, for want of --python PATH",
    );
    console.log("      (bash interop/run makes interop/.venv/26.1.2/bin/python)");
    return "Python clients LEFT OUT";
  }
  const broker = await Broker.start(trial, {
    dataDir: trial.folder(),
    args: ["--max-queue-size", "0"],
  });
  const proxy = await FaultProxy.start(trial, () => broker.port);
  proxy.plan = () =>
    trial.random.chance(CUT_SHARE)
      ? { cutAnswer: { frame: 2, byte: trial.random.below(FINAL_BYTES) }, with: "reset" }
      : {};
  const count = trial.count(10_000, 300);
  const script = Proc.program(trial, [
    trial.python,
    pathOf("python/push.py"),
    ...[proxy.port, THREADS, count].map(String),
    "plain",
    "jobs",
  ]);
  const { pushes } = (await script.event("done", { ms: PYTHON_MS })) as unknown as Done;
  const plain = await drain(broker.port, "plain");
  const jobs = (await drain(broker.port, "jobs")).map((text) => JSON.parse(text));
  const times = new Map<string, number>();
  for (const name of [...plain, ...jobs.map(({ name }) => String(name))]) {
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  const idOf = new Map(jobs.map(({ name, job_id }) => [String(name), String(job_id)]));
  let [duplicates, lost] = [0, 0];
  for (const [number, code, id, reason] of pushes) {
    const name = `m${number}`;
    const copies = times.get(name) ?? 0;
    duplicates += Math.max(0, copies - 1);
    trial.check(code === 0, `${name} was refused: ${reason}`);
    if (code === 0 && copies === 0) lost++;
    const isItsId = number % 2 === 0 || idOf.get(name) === id;
    trial.check(isItsId, `${name} has the job id ${idOf.get(name)}, its client was told ${id}`);
  }
  trial.check(duplicates === 0, `Python clients: ${duplicates} duplicates`);
  trial.check(lost === 0, `Python clients: ${lost} acknowledged pushes are lost`);
  trial.check(times.size <= count, `${times.size} messages of ${count} pushes`);
  return `${count} pushes by ${THREADS} Python threads, ${proxy.cuts} cut: dup ${duplicates}, lost ${lost}`;
}
