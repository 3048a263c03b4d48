/**
 * Goal: a checkpoint is there as it was kept or is missing; the folder stays within its bound and is
 * nobody else's; a disk that refuses costs checkpoints and one warning.
 * Method: real files, changed byte by byte, aged by their times, replaced by links and folders.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Cleanup } from "../../../test/helpers/start-broker.js";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import { KiB, MiB, silentLogger } from "../../core/index.js";
import type { CheckpointOptions } from "./checkpoint-options.js";
import { FileCheckpointStore } from "./file-checkpoint-store.js";

const DAY_MS = 86_400_000;

async function openStore(t: Cleanup, options: Partial<CheckpointOptions> = {}) {
  const dir = options.dir ?? (await temporaryFolder(t));
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) };
  const store = new FileCheckpointStore({ ...options, dir }, { logger });
  await store.open();
  return { store, dir, warnings };
}

function filesIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => !lstatSync(join(dir, name)).isDirectory()).sort();
}

function bytesIn(dir: string): number {
  return filesIn(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

/** The one file of a store that kept one thing. */
async function oneFile(t: Cleanup, options: Partial<CheckpointOptions> = {}) {
  const opened = await openStore(t, options);
  await opened.store.save("key", Buffer.from("what is kept"));
  const [name] = filesIn(opened.dir);
  return { ...opened, path: join(opened.dir, name as string) };
}

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test("what was saved comes back, also to another store, and can be replaced", async (t) => {
  const { store, dir } = await openStore(t);
  expect(await store.load("a")).toBeUndefined();
  await store.save("a", Buffer.from("first"));
  await store.save("b", Buffer.alloc(0));
  await store.save("a", Buffer.from("second"));
  const { store: other } = await openStore(t, { dir });
  expect(textOf(await other.load("a"))).toBe("second");
  expect(textOf(await other.load("b"))).toBe("");
  expect(filesIn(dir)).toHaveLength(2);
  expect(store.getStats()).toMatchObject({ loaded: 0, missed: 1, stored: 3 });
  expect(other.getStats()).toMatchObject({ loaded: 2, missed: 0, stored: 0 });
});

test("keys that look like paths, and very long ones, stay inside the folder", async (t) => {
  const { store, dir } = await openStore(t, { dir: join(await temporaryFolder(t), "a", "b") });
  const keys = ["../../escaped", "/etc/passwd", "", "\0", "__proto__", "x".repeat(100_000)];
  for (const key of keys) await store.save(key, Buffer.from(`of ${key}`));
  for (const key of keys) expect(textOf(await store.load(key))).toBe(`of ${key}`);
  expect(filesIn(dirname(dirname(dir)))).toHaveLength(keys.length);
});

test.skipIf(process.platform === "win32")(
  "files and folders are their owner's alone",
  async (t) => {
    const { store, dir } = await openStore(t, {
      dir: join(await temporaryFolder(t), "deep", "er"),
    });
    await store.save("key", Buffer.from("x"));
    const path = join(dir, filesIn(dir)[0] as string);
    const modes = [path, dirname(path), dir].map((each) => statSync(each).mode & 0o777);
    expect(modes).toEqual([0o600, 0o700, 0o700]);
  },
);

test("a file that is damaged in any byte, cut or longer is a miss, and is removed", async (t) => {
  const { store, path } = await oneFile(t);
  const whole = await readFile(path);
  const damaged = Array.from(whole, (byte, at) => {
    const copy = Buffer.from(whole);
    copy[at] = byte ^ 1;
    return copy;
  });
  for (let length = 0; length < whole.length; length++) damaged.push(whole.subarray(0, length));
  damaged.push(Buffer.concat([whole, Buffer.from([0])]), Buffer.alloc(whole.length));
  for (const bytes of damaged) {
    await writeFile(path, bytes);
    expect(await store.load("key")).toBeUndefined();
    expect(existsSync(path)).toBe(false);
  }
  expect(store.getStats()).toMatchObject({ loaded: 0, unfit: damaged.length });
  await writeFile(path, whole);
  expect(textOf(await store.load("key"))).toBe("what is kept");
});

test("a checkpoint under another's name is not taken for it", async (t) => {
  const { store, dir, path } = await oneFile(t);
  await store.save("other", Buffer.from("something else"));
  const other = filesIn(dir).find((name) => !path.endsWith(name)) as string;
  await copyFile(path, join(dir, other));
  expect(await store.load("other")).toBeUndefined();
  expect(textOf(await store.load("key"))).toBe("what is kept");
});

test("links are not followed, neither to a file nor to a folder", async (t) => {
  const { store, dir, path } = await oneFile(t);
  const elsewhere = await temporaryFolder(t);
  await rename(path, join(elsewhere, "moved"));
  await symlink(join(elsewhere, "moved"), path);
  expect(await store.load("key")).toBeUndefined();
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(join(elsewhere, "moved")).length).toBeGreaterThan(0);
  await rm(dirname(path), { recursive: true });
  await symlink(elsewhere, dirname(path));
  await rename(join(elsewhere, "moved"), join(elsewhere, path.slice(dirname(path).length + 1)));
  const { store: other, warnings } = await openStore(t, { dir });
  expect(await other.load("key")).toBeUndefined();
  await other.save("key", Buffer.from("new"));
  expect(warnings).toHaveLength(1);
  expect(readdirSync(elsewhere)).toHaveLength(1);
});

test("a file that was not used for longer than its age is a miss", async (t) => {
  const { store, path } = await oneFile(t, { maxAgeMs: 10 * DAY_MS });
  const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
  await utimes(path, daysAgo(9), daysAgo(9));
  expect(textOf(await store.load("key"))).toBe("what is kept");
  // Its use was noted.
  expect(statSync(path).mtimeMs).toBeGreaterThan(daysAgo(1).getTime());
  await utimes(path, daysAgo(11), daysAgo(11));
  expect(await store.load("key")).toBeUndefined();
  expect(existsSync(path)).toBe(false);
});

test("beyond the bound those go that were not used for longest", async (t) => {
  const { store, dir } = await openStore(t, { maxBytes: MiB });
  const body = Buffer.alloc(60 * KiB);
  const pathOf = new Map<string, string>();
  const save = async (key: string, ageDays: number) => {
    const before = new Set(filesIn(dir));
    await store.save(key, body);
    const path = join(dir, filesIn(dir).find((name) => !before.has(name)) as string);
    const used = new Date(Date.now() - ageDays * DAY_MS);
    await utimes(path, used, used);
    pathOf.set(key, path);
  };
  for (let index = 0; index < 12; index++) await save(`old ${index}`, 20 - index);
  await store.load("old 0");
  for (let index = 0; index < 8; index++) {
    await save(`new ${index}`, 0);
    expect(bytesIn(dir)).toBeLessThanOrEqual(MiB);
  }
  const left = [...pathOf].filter(([, path]) => existsSync(path)).map(([key]) => key);
  // All new ones, the old one that was used, and none before one that is gone.
  expect(left.filter((key) => key.startsWith("new"))).toHaveLength(8);
  expect(left).toContain("old 0");
  expect(left).not.toContain("old 1");
  expect(store.getStats().evicted).toBeGreaterThan(5);
});

test("the bound holds over restarts", async (t) => {
  const dir = await temporaryFolder(t);
  for (let round = 0; round < 12; round++) {
    const { store } = await openStore(t, { dir, maxBytes: MiB });
    for (let index = 0; index < 3; index++) {
      await store.save(`${round} ${index}`, Buffer.alloc(50 * KiB));
      expect(bytesIn(dir)).toBeLessThanOrEqual(MiB);
    }
  }
  expect(bytesIn(dir)).toBeGreaterThan(MiB / 2);
});

test("many saves at once stay within the bound, and too many are refused", async (t) => {
  const { store, dir } = await openStore(t, { maxBytes: MiB });
  const saves = Array.from({ length: 100 }, (_, index) =>
    store.save(`${index}`, Buffer.alloc(100 * KiB)),
  );
  await Promise.all(saves);
  const { stored, refused } = store.getStats();
  expect(stored + refused).toBe(100);
  expect(stored).toBeGreaterThanOrEqual(32);
  expect(bytesIn(dir)).toBeLessThanOrEqual(MiB);
});

test("one that would fill a quarter of the folder is not kept", async (t) => {
  const { store, dir } = await openStore(t, { maxBytes: MiB });
  await store.save("large", Buffer.alloc(256 * KiB));
  expect(filesIn(dir)).toEqual([]);
  expect(store.getStats()).toMatchObject({ refused: 1, stored: 0 });
});

test("temporary files of processes that are gone are swept, those of others are not", async (t) => {
  const { dir, path } = await oneFile(t);
  const id = "00000000-0000-4000-8000-000000000000";
  const temporary = (pid: number) => path.replace(/\.checkpoint$/, `.${pid}.${id}.tmp`);
  // No system gives a process this number.
  const [dead, alive, forgotten] = [temporary(2 ** 30), temporary(process.pid), temporary(1)];
  for (const each of [dead, alive, forgotten]) await writeFile(each, "half");
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(forgotten, hoursAgo, hoursAgo);
  const { store } = await openStore(t, { dir });
  await store.save("more", Buffer.from("x"));
  expect([dead, alive, forgotten].map(existsSync)).toEqual([false, true, false]);
});

test("files that are not its own are left alone", async (t) => {
  const { dir, path } = await oneFile(t, { maxBytes: MiB });
  const shard = dirname(path);
  const foreign = [join(dir, "notes.txt"), join(shard, "notes.txt"), join(dir, "zz.checkpoint")];
  await mkdir(join(dir, "photos"));
  foreign.push(join(dir, "photos", path.slice(shard.length + 1)));
  const longAgo = new Date(0);
  for (const each of foreign) {
    await writeFile(each, Buffer.alloc(MiB));
    await utimes(each, longAgo, longAgo);
  }
  const { store } = await openStore(t, { dir, maxBytes: MiB });
  for (let index = 0; index < 30; index++) await store.save(`${index}`, Buffer.alloc(60 * KiB));
  expect(store.getStats().evicted).toBeGreaterThan(0);
  for (const each of foreign) expect(statSync(each).size).toBe(MiB);
});

test("a disk that refuses costs the checkpoint and one warning, and is used when it can", async (t) => {
  const { store, dir, path, warnings } = await oneFile(t);
  await rm(dirname(path), { recursive: true });
  await writeFile(dirname(path), "a file where the folder should be");
  const { store: other, warnings: told } = await openStore(t, { dir });
  for (let index = 0; index < 5; index++) await other.save("key", Buffer.from("x"));
  expect(told).toEqual(["checkpoints cannot be kept; jobs go on without"]);
  expect(other.getStats()).toMatchObject({ failed: 5, stored: 0 });
  expect(await other.load("key")).toBeUndefined();
  await rm(dirname(path));
  await other.save("key", Buffer.from("again"));
  expect(textOf(await other.load("key"))).toBe("again");
  // The first store knew the folder from before.
  await rm(dir, { recursive: true });
  await store.save("key", Buffer.from("x"));
  await store.save("key", Buffer.from("back"));
  expect(textOf(await store.load("key"))).toBe("back");
  expect(warnings.length).toBeLessThanOrEqual(1);
});

test("a folder that is a file, or that everybody may write to, is refused", async (t) => {
  const dir = await temporaryFolder(t);
  await writeFile(join(dir, "file"), "");
  const unusable = { code: "RUNTIME_CHECKPOINTS_UNUSABLE" };
  await expect(openStore(t, { dir: join(dir, "file") })).rejects.toMatchObject(unusable);
  await expect(openStore(t, { dir: join(dir, "file", "below") })).rejects.toMatchObject(unusable);
  if (process.platform === "win32") return;
  await mkdir(join(dir, "open"));
  await chmod(join(dir, "open"), 0o777);
  await expect(openStore(t, { dir: join(dir, "open") })).rejects.toMatchObject(unusable);
});
