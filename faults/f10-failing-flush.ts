import { bodyOf, tagOf } from "./harness/bodies.js";
import { Broker } from "./harness/broker.js";
import { drain, pushFrame, pushOn } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { Proc, pathOf } from "./harness/processes.js";
import { LineLost, RawLine } from "./harness/raw-line.js";
import { within } from "./harness/waits.js";

const FAILED = 70;
const QUEUE = "q";
const CLIENTS = 8;
/** The flush takes this long to fail, and what was said before it arrives much sooner. */
const ARRIVAL_MS = 250;

export const f10: Fault = {
  name: "F10",
  title: "the disk's flush fails with EIO",
  limitMs: 300_000,
  async run(trial) {
    const runs = trial.count(40, 3);
    let falseAcks = 0;
    let acknowledged = 0;
    for (let run = 0; run < runs; run++) {
      const dataDir = trial.folder();
      const isOwnScript = run % 2 === 0;
      const outcome = isOwnScript
        ? await failingLayer(trial, dataDir)
        : await failingCli(trial, dataDir);
      falseAcks += outcome.falseAcks;
      acknowledged += outcome.tags.length;
      // On a sound disk what was acknowledged is there.
      const broker = await Broker.start(trial, { dataDir });
      const found = new Set((await drain(broker.port, QUEUE)).map(tagOf));
      const lost = outcome.tags.filter((tag) => !found.has(tag));
      trial.check(lost.length === 0, `run ${run}: ${lost.length} acknowledged pushes are lost`);
      await broker.stop();
    }
    trial.check(falseAcks === 0, `${falseAcks} pushes were acknowledged after the failure`);
    return `${runs} runs, ${acknowledged} pushes acknowledged before: false acks ${falseAcks}`;
  },
};

interface Outcome {
  /** Of acknowledged pushes. */
  readonly tags: readonly string[];
  readonly falseAcks: number;
}

async function failingLayer(trial: Trial, dataDir: string): Promise<Outcome> {
  const goodFlushes = trial.random.between(8, 60);
  const script = Proc.script(trial, ["failing-disk.mjs", dataDir, `${goodFlushes}`]);
  const { port } = await script.event("listening");
  const acks = await pushUntilLost(Number(port));
  const { atMs } = await script.event("failing");
  const { code, falseAcks, triesAfter } = await script.event("ended");
  trial.check(code === "STORE_FAILED", `the broker ended with ${code}`);
  trial.check(triesAfter === 0, `a flush was tried ${triesAfter} times after it had failed`);
  const ended = await within("the end", 20_000, script.ended);
  trial.check(ended.code === FAILED, `the process ended with ${ended.code}`);
  const late = acks.filter((ack) => ack.atMs > Number(atMs) + ARRIVAL_MS).length;
  return { tags: acks.map(({ tag }) => tag), falseAcks: late + Number(falseAcks) };
}

async function failingCli(trial: Trial, dataDir: string): Promise<Outcome> {
  const env = { GOOD_FLUSHES: `${trial.random.between(8, 60)}` };
  const nodeOptions = ["--import", pathOf("processes/broken-fdatasync.mjs")];
  const broker = await Broker.start(trial, { dataDir, env, nodeOptions });
  const acks = await pushUntilLost(broker.port);
  const { code } = await within("the end", 20_000, broker.proc.ended);
  trial.check(code === FAILED, `the command line ended with ${code}`);
  trial.check(/EIO/.test(broker.log), "the reason is not in the log");
  return { tags: acks.map(({ tag }) => tag), falseAcks: 0 };
}

/** Clients push until the broker is gone; what was acknowledged, and when that was read. */
async function pushUntilLost(port: number): Promise<{ tag: string; atMs: number }[]> {
  const acks: { tag: string; atMs: number }[] = [];
  const client = async (name: number) => {
    const line = await RawLine.open(port);
    for (let number = 0; ; number++) {
      const { tag, text } = bodyOf(`c${name}-${number}`, 300);
      const pushed = await pushOn(line, pushFrame(QUEUE, text));
      if (!("id" in pushed)) return;
      acks.push({ tag, atMs: Date.now() });
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, name) =>
    client(name).catch((error: unknown) => {
      if (!(error instanceof LineLost)) throw error;
    }),
  );
  await within("the end of all lines", 60_000, Promise.all(clients));
  return acks;
}
