import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import {
  decodeFileHeader,
  encodeFileHeader,
} from "../src/broker/store/segments/format/file-header.js";
import { Broker } from "./harness/broker.js";
import { drain, push } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { Proc } from "./harness/processes.js";
import { copyStore } from "./harness/stores.js";

const USAGE = 2;
const MESSAGES = ["first", "second", "third"];

export const f34: Fault = {
  name: "F34",
  title: "a store of another version's format",
  limitMs: 60_000,
  async run(trial) {
    const dataDir = trial.folder();
    const broker = await Broker.start(trial, { dataDir });
    for (const message of MESSAGES) await push(broker.port, "q", message);
    await broker.stop();
    let tries = 0;
    let failures = 0;
    for (const version of [0, 2, 99]) {
      for (const [what, change] of Object.entries(CHANGES)) {
        const copy = copyStore(dataDir, trial.folder());
        change(copy, version);
        tries++;
        const wrong = await refuses(trial, copy, version);
        if (wrong.length > 0) failures++;
        for (const text of wrong) trial.problem(`format ${version} in ${what}: ${text}`);
      }
    }
    // And the version that wrote it reads it still.
    await broker.start();
    const bodies = await drain(broker.port, "q");
    trial.check(bodies.join() === MESSAGES.join(), `the store holds ${bodies}`);
    return `${tries} stores of unknown formats: failures ${failures}`;
  },
};

const CHANGES: Readonly<Record<string, (dataDir: string, version: number) => void>> = {
  "store.json": (dataDir, version) => {
    for (const name of ["store.json", "store.json.copy"]) {
      const path = join(dataDir, name);
      const { secret } = JSON.parse(readFileSync(path, "utf8"));
      const checksum = crc32(`${version}:${secret}`).toString(16).padStart(8, "0");
      writeFileSync(path, `${JSON.stringify({ format: version, secret, checksum })}\n`);
    }
  },
  "a log": (dataDir, version) => changeHeader(join(dataDir, "00000001.log"), version),
  "a sidecar": (dataDir, version) => changeHeader(join(dataDir, "00000001.marks"), version),
};

function changeHeader(path: string, version: number): void {
  const bytes = readFileSync(path);
  const header = decodeFileHeader(bytes);
  if (header === undefined) throw new Error(`${path} has no header`);
  encodeFileHeader({ ...header, version }).copy(bytes);
  writeFileSync(path, bytes);
}

/** What is wrong with the refusal. */
async function refuses(trial: Trial, dataDir: string, version: number): Promise<string[]> {
  const before = fingerprint(dataDir);
  const second = Proc.millrace(trial, ["broker", "--port", "0", "--json", "--data-dir", dataDir]);
  const listening = second.event("listening").then(() => "it started");
  const ended = second.ended.then(({ code }) => (code === USAGE ? "" : `it ended with ${code}`));
  const wrong: string[] = [];
  const outcome = await Promise.race([listening.catch(() => ended), ended]);
  if (outcome !== "") wrong.push(outcome);
  if (!second.isOver) await second.kill();
  const isSaid = new RegExp(`format ${version}\\b`).test(second.stderr);
  if (!isSaid) wrong.push(`it does not say why: ${second.stderr.slice(-300)}`);
  if (fingerprint(dataDir) !== before) wrong.push("something in the directory was touched");
  return wrong;
}

/** Names, sizes, times of change and contents of all files. */
function fingerprint(dataDir: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(dataDir, { recursive: true }).map(String).sort()) {
    const path = join(dataDir, name);
    const status = statSync(path);
    hash.update(`${name} ${status.isFile() ? status.mtimeMs : ""} `);
    if (status.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}
