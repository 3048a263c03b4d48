import { readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { SimpleMessageBroker } from "millrace";
import { decodeBody, encodeBody } from "millrace/wire";
import type { Fault, Trial } from "./harness/fault.js";
import { jobText } from "./harness/jobs.js";
import { copyStore, filesOf } from "./harness/stores.js";

const QUEUES = ["plain", "jobs"];
/** What the ledger itself answers when a job or a result is lost. */
const OWN_ANSWER = /was damaged on the disk/;

/** Everything that can be fetched, by queue. */
type Content = ReadonlyMap<string, readonly string[]>;

export const f08: Fault = {
  name: "F8",
  title: "a single bit flipped anywhere in the files of a store",
  limitMs: 900_000,
  async run(trial) {
    const { dataDir, jobIds } = await makeStore(trial);
    const files = filesOf(dataDir);
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const whole = await openAndTake(copyStore(dataDir, trial.folder()), jobIds);
    const flips = trial.count(1_000, 60);
    const counts = { found: 0, harmless: 0, undetected: 0 };
    const parent = trial.folder();
    for (let flip = 0; flip < flips; flip++) {
      const copy = copyStore(dataDir, parent);
      const where = flipBit(copy, { files, at: trial.random.below(total), bit: flip % 8 });
      const { content, isTold, log } = await openAndTake(copy, jobIds);
      const outcome = judge(trial, where, { whole: whole.content, content, isTold });
      counts[outcome]++;
      trial.check(!log.includes("body of"), `${where}: a body stands in the log`);
      await rm(copy, { recursive: true });
    }
    const { found, harmless, undetected } = counts;
    return `${flips} flips: undetected ${undetected}, found ${found}, harmless ${harmless}`;
  },
};

/** A store with messages, jobs, answered jobs and removed ones, in several segments. */
async function makeStore(trial: Trial): Promise<{ dataDir: string; jobIds: readonly string[] }> {
  const dataDir = trial.folder();
  const broker = brokerOn(dataDir);
  await broker.start();
  const text = (number: number) => `body of ${number} `.repeat(1 + trial.random.below(150));
  for (let number = 0; number < 80; number++) {
    await broker.store("plain", encodeBody(text(number)), { stampJobId: false });
  }
  for (let number = 0; number < 25; number++) {
    const held = await broker.take("plain", { waitMs: 0 });
    if (number % 5 === 0) held?.release();
    else await held?.acknowledge();
  }
  const jobIds: string[] = [];
  for (let number = 0; number < 30; number++) {
    const job = encodeBody(jobText(text(number), `job ${number}`));
    jobIds.push(await broker.store("jobs", job, { stampJobId: true }));
  }
  for (const jobId of jobIds.slice(0, 15)) {
    const result = encodeBody(JSON.stringify({ status: "success", body: `body of ${jobId}` }));
    await broker.store(jobId, result, { stampJobId: false });
  }
  await broker.stop();
  return { dataDir, jobIds };
}

function brokerOn(
  dataDir: string,
  log?: (details: object, text: string) => void,
): SimpleMessageBroker {
  const options = { port: 0, durability: "os", dataDir, segmentBytes: 65_536 } as const;
  const write = log ?? (() => {});
  const logger = { debug() {}, info() {}, warn: write, error: write };
  return new SimpleMessageBroker({ ...options, maxCachedBytes: 0, minFreeBytes: 0 }, { logger });
}

function flipBit(
  dataDir: string,
  { files, at, bit }: { files: ReturnType<typeof filesOf>; at: number; bit: number },
): string {
  let offset = at;
  for (const { name, bytes } of files) {
    if (offset >= bytes) {
      offset -= bytes;
      continue;
    }
    const path = join(dataDir, name);
    const content = readFileSync(path);
    content[offset] = (content[offset] as number) ^ (1 << bit);
    writeFileSync(path, content);
    return `${name}, byte ${offset}, bit ${bit}`;
  }
  throw new Error("there is no such byte");
}

/** Starts a broker on the directory and takes everything. */
async function openAndTake(
  dataDir: string,
  jobIds: readonly string[],
): Promise<{ content: Content; isTold: boolean; log: string }> {
  const lines: string[] = [];
  const broker = brokerOn(dataDir, (details, text) => {
    lines.push(`${text} ${JSON.stringify(details)}`);
  });
  await broker.start();
  try {
    const content = new Map<string, string[]>();
    for (const queue of [...QUEUES, ...jobIds]) {
      const bodies: string[] = [];
      // A result is kept after it was fetched, so it is taken once and given back.
      const isResult = jobIds.includes(queue);
      for (;;) {
        const held = await broker.take(queue, { waitMs: 0 });
        if (held === undefined) break;
        bodies.push(decodeBody(held.body));
        if (!isResult) await held.acknowledge();
        else {
          held.release();
          break;
        }
      }
      content.set(queue, bodies);
    }
    const { damagedRecords, tornBytes } = broker.getStats().store;
    return { content, isTold: damagedRecords + tornBytes > 0, log: lines.join("\n") };
  } finally {
    await broker.stop({ drainTimeoutMs: 1 });
  }
}

/** Nothing may come that was not stored, and what is missing must have been told. */
function judge(
  trial: Trial,
  where: string,
  { whole, content, isTold }: { whole: Content; content: Content; isTold: boolean },
): "found" | "harmless" | "undetected" {
  let missing = 0;
  for (const [queue, expected] of whole) {
    const bodies = content.get(queue) ?? [];
    const own = bodies.filter((body) => OWN_ANSWER.test(body));
    const stored = bodies.filter((body) => !OWN_ANSWER.test(body));
    const foreign = stored.filter((body) => !expected.includes(body));
    trial.check(foreign.length === 0, `${where}: ${queue} gave ${foreign[0]?.slice(0, 80)}`);
    const inOrder = expected.filter((body) => stored.includes(body));
    trial.check(inOrder.join() === stored.join(), `${where}: the order of ${queue} changed`);
    missing += expected.length - stored.length;
    if (own.length > 0) trial.check(isTold, `${where}: a lost job was not told`);
  }
  trial.check(missing <= 1, `${where}: ${missing} messages are missing`);
  if (missing === 0) return isTold ? "found" : "harmless";
  if (isTold) return "found";
  trial.problem(`${where}: a message is missing and nothing was told`);
  return "undetected";
}
