/**
 * Goal: whatever becomes of a process that keeps checkpoints, others find whole ones or none, and
 * several in one folder stay within its bound.
 * Method: real processes: killed while they write, two at a time, and one whose disk is full.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { KiB, MiB } from "../../src/core/index.js";
import { FileCheckpointStore } from "../../src/runtime/index.js";
import { until } from "../../src/testing/index.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const WRITER = fileURLToPath(new URL("../helpers/checkpoint-writer.mjs", import.meta.url));

interface Writing {
  readonly dir: string;
  readonly maxBytes: number;
  readonly bytes: number;
  readonly count: number;
  readonly keys: number;
  readonly prefix: string;
}

function startWriter(t: Cleanup, writing: Writing, wrap: readonly string[] = []) {
  const { dir, maxBytes, bytes, count, keys, prefix } = writing;
  const args = [WRITER, dir, maxBytes, bytes, count, keys, prefix].map(String);
  const [program, ...rest] = [...wrap, process.execPath, ...args] as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code, stdout }));
  t.onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { child, ended };
}

function filesIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => !lstatSync(join(dir, name)).isDirectory());
}

const temporariesIn = (dir: string) => filesIn(dir).filter((name) => name.endsWith(".tmp"));

function bytesIn(dir: string): number {
  return filesIn(dir).reduce((sum, name) => sum + lstatSync(join(dir, name)).size, 0);
}

/** Undefined when it is missing; else the byte of which all of it must be. */
async function byteOf(store: FileCheckpointStore, key: string, length: number) {
  const found = await store.load(key);
  if (found === undefined) return undefined;
  expect(found.length).toBe(length);
  expect(Buffer.from(found).equals(Buffer.alloc(length, found[0]))).toBe(true);
  return found[0];
}

test("a process that is killed while it writes leaves whole checkpoints or none", async (t) => {
  const dir = await temporaryFolder(t);
  const [maxBytes, bytes] = [1024 * MiB, 24 * MiB];
  let halfCount = 0;
  // Now and then the write is over before the signal comes.
  for (let round = 0; round < 30 && halfCount < 3; round++) {
    const keys = 10;
    const writer = startWriter(t, { dir, maxBytes, bytes, count: 1_000, keys, prefix: "key " });
    // From the second round on the keys are there, and are replaced.
    const before = new Set(filesIn(dir));
    const isWriting = () => temporariesIn(dir).some((name) => !before.has(name));
    await until("a checkpoint is being written", isWriting);
    writer.child.kill("SIGKILL");
    await writer.ended;
    if (temporariesIn(dir).length > 0) halfCount++;
    const store = new FileCheckpointStore({ dir, maxBytes });
    await store.open();
    for (let index = 0; index < 10; index++) await byteOf(store, `key ${index}`, bytes);
    expect(store.getStats()).toMatchObject({ unfit: 0 });
    await store.save("one more", Buffer.from("x"));
    expect(temporariesIn(dir)).toEqual([]);
  }
  expect(halfCount).toBe(3);
});

test("two processes in one folder stay within its bound and find each other's", async (t) => {
  const dir = await temporaryFolder(t);
  const [maxBytes, bytes, keys] = [2 * MiB, 40 * KiB, 100];
  const all = { dir, maxBytes, bytes, keys, count: 3 * keys };
  const writers = ["a ", "b "].map((prefix) => startWriter(t, { ...all, prefix }));
  const ends = await Promise.all(writers.map(({ ended }) => ended));
  for (const { stdout } of ends) {
    expect(JSON.parse(stdout)).toMatchObject({ stored: 3 * keys, failed: 0, warnings: [] });
  }
  expect(bytesIn(dir)).toBeLessThanOrEqual(maxBytes);
  const store = new FileCheckpointStore({ dir, maxBytes });
  await store.open();
  let foundCount = 0;
  for (const prefix of ["a ", "b "]) {
    for (let index = 0; index < keys; index++) {
      if ((await byteOf(store, `${prefix}${index}`, bytes)) !== undefined) foundCount++;
    }
  }
  expect(foundCount).toBe(filesIn(dir).length);
  expect(foundCount * bytes).toBeGreaterThan(maxBytes / 2);
});

test.skipIf(process.platform === "win32")(
  "a disk without room leaves nothing half, and one warning",
  async (t) => {
    const dir = await temporaryFolder(t);
    // No file of this process may have more than 64 KiB: a write beyond that fails in its middle.
    const full = ["sh", "-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"];
    const all = { dir, maxBytes: 64 * MiB, bytes: MiB, keys: 10, count: 10, prefix: "k" };
    const { stdout } = await startWriter(t, all, full).ended;
    const { warnings, ...stats } = JSON.parse(stdout);
    expect(stats).toMatchObject({ stored: 0, failed: 10 });
    expect(warnings).toHaveLength(1);
    expect(filesIn(dir)).toEqual([]);
  },
);
