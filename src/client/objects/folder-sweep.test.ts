import { mkdir, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import { FolderSweep } from "./folder-sweep.js";

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;
const TEMPORARY = `aaa.${"0".repeat(36)}.tmp`;

async function file(folder: string, name: string, ageMs: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), "");
  const at = new Date(NOW_MS - ageMs);
  await utimes(join(folder, name), at, at);
}

const namesIn = async (dir: string) => (await readdir(dir)).sort();

test("old objects and left writes go; what is young, and what is not ours, stays", async (t) => {
  const dir = await temporaryFolder(t);
  const shard = join(dir, "aa");
  await file(shard, "aa-old.object", 3 * HOUR_MS);
  await file(shard, "jobs.aa-old.object", 3 * HOUR_MS);
  await file(shard, "aa-young.object", HOUR_MS);
  await file(shard, TEMPORARY, 1.5 * HOUR_MS);
  await file(shard, `b${TEMPORARY}`, 0.5 * HOUR_MS);
  await file(shard, "report.pdf", 9 * HOUR_MS);
  await file(dir, "aa-old.object", 9 * HOUR_MS);
  await file(join(dir, "others"), "aa-old.object", 9 * HOUR_MS);
  await new FolderSweep(dir, 2 * HOUR_MS).step(NOW_MS);
  expect(await namesIn(shard)).toEqual(["aa-young.object", `b${TEMPORARY}`, "report.pdf"].sort());
  expect(await namesIn(join(dir, "others"))).toEqual(["aa-old.object"]);
  expect(await namesIn(dir)).toEqual(["aa", "aa-old.object", "others"]);
});

test("links are not followed: not to a folder, and of one to a file the link goes", async (t) => {
  const dir = await temporaryFolder(t);
  const outside = await temporaryFolder(t);
  await file(outside, "aa-old.object", 9 * HOUR_MS);
  await symlink(outside, join(dir, "aa"));
  await mkdir(join(dir, "bb"));
  await symlink(join(outside, "aa-old.object"), join(dir, "bb", "bb-link.object"));
  // The link itself was made just now.
  await new FolderSweep(dir, HOUR_MS).step(NOW_MS + 2 * HOUR_MS);
  expect(await namesIn(outside)).toEqual(["aa-old.object"]);
  expect(await namesIn(join(dir, "bb"))).toEqual([]);
});

/** Folders aa, bb, …, each with as many old objects. */
async function crowd(t: TestContext, { shards, each }: { shards: number; each: number }) {
  const dir = await temporaryFolder(t);
  for (let shard = 0; shard < shards; shard++) {
    const letter = String.fromCharCode(97 + shard);
    for (let index = 0; index < each; index++) {
      await file(join(dir, letter.repeat(2)), `${letter}${letter}${index}.object`, 9 * HOUR_MS);
    }
  }
  const leftCount = async () => (await readdir(dir, { recursive: true })).length - shards;
  return { sweep: new FolderSweep(dir, HOUR_MS), leftCount, dir };
}

test("a step is bounded, and the next one goes on where it ended", async (t) => {
  const { sweep, leftCount } = await crowd(t, { shards: 2, each: 75 });
  const left: number[] = [];
  for (let step = 0; step < 3; step++) {
    await sweep.step(NOW_MS);
    left.push(await leftCount());
  }
  // 64 looks: one at a folder, the others at files.
  expect(left).toEqual([150 - 63, 150 - 2 * 63, 0]);
});

test("after a pass there is a rest", async (t) => {
  const { sweep, leftCount, dir } = await crowd(t, { shards: 1, each: 1 });
  await sweep.step(NOW_MS);
  expect(await leftCount()).toBe(0);
  await file(join(dir, "aa"), "aa-old.object", 9 * HOUR_MS);
  await sweep.step(NOW_MS);
  expect(await leftCount()).toBe(1);
});

test("a folder that is gone is nothing to sweep", async (t) => {
  const dir = await temporaryFolder(t);
  await new FolderSweep(join(dir, "gone"), HOUR_MS).step(NOW_MS);
});
