// Goal: one process at a time has a store, and one that was killed keeps nobody out.
// Method: processes of their own open the store through the build and are killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { bodiesOf, fill, openStore } from "../../../../test/helpers/segment-store.js";
import type { Cleanup } from "../../../../test/helpers/start-broker.js";
import { temporaryFolder } from "../../../../test/helpers/temporary-folder.js";

const BUILD = resolve("dist/broker/store/segments/segment-store.js");
const PROGRAM = `
  import { SegmentStore } from ${JSON.stringify(BUILD)};
  const [dataDir] = process.argv.slice(1);
  const store = new SegmentStore({
    dataDir, durability: "fsync", maxStoredBytes: 1e9, minFreeBytes: 0, maxCachedBytes: 0,
    segmentBytes: 1e6,
  });
  try {
    await store.open();
    const id = "00000000-0000-4000-8000-000000000000";
    const { stored } = store.append({
      queueName: "q", id, kind: "message", digest: Buffer.alloc(16), storedAtMs: Date.now(),
      body: Buffer.from("from " + process.pid),
    });
    await stored;
    console.log("open");
    setInterval(() => {}, 1e6);
  } catch (error) {
    console.log(error.code);
  }
`;

/** A process that opens the store; resolves when it has, with "open", or could not, with the code. */
async function spawnOwner(
  t: Cleanup,
  dataDir: string,
): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = await once(child.stdout as NodeJS.EventEmitter, "data");
  return { child, said: String(said).trim() };
}

test("a store that a living process has is refused, and taken over when it is killed", async (t) => {
  const dataDir = await temporaryFolder(t);
  const { child, said } = await spawnOwner(t, dataDir);
  expect(said).toBe("open");
  await expect(openStore(t, { dataDir })).rejects.toMatchObject({
    code: "STORE_LOCKED",
    details: { pid: child.pid },
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  const { store, recovered } = await openStore(t, { dataDir });
  expect(await bodiesOf(store, recovered.entries)).toEqual([`from ${child.pid}`]);
  await fill(store, ["mine"]);
});

test("of several that find a dead owner at once, one wins", async (t) => {
  const dataDir = await temporaryFolder(t);
  const { child } = await spawnOwner(t, dataDir);
  child.kill("SIGKILL");
  await once(child, "exit");
  const takers = await Promise.all(Array.from({ length: 4 }, () => spawnOwner(t, dataDir)));
  expect(takers.map(({ said }) => said).sort()).toEqual([
    "STORE_LOCKED",
    "STORE_LOCKED",
    "STORE_LOCKED",
    "open",
  ]);
});

test("the same process cannot open a store twice, whatever it calls the directory", async (t) => {
  const { store, dataDir } = await openStore(t);
  const alias = join(await temporaryFolder(t), "alias");
  symlinkSync(dataDir, alias);
  const refusal = { code: "STORE_LOCKED", details: { pid: process.pid } };
  await expect(openStore(t, { dataDir: alias })).rejects.toMatchObject(refusal);
  await store.close();
  await openStore(t, { dataDir: alias });
});

test("an owner's number that another process has now is no owner", async (t) => {
  const { store, dataDir } = await openStore(t);
  const owner = JSON.parse(readFileSync(join(dataDir, "owner"), "utf8"));
  await store.close();
  expect(owner).toMatchObject({ pid: process.pid });
  expect(readdirSync(dataDir).filter((name) => name.startsWith("owner"))).toEqual([]);

  writeFileSync(join(dataDir, "owner"), JSON.stringify(owner));
  await expect(openStore(t, { dataDir })).rejects.toMatchObject({ code: "STORE_LOCKED" });
  if (owner.startedAt === null) return;
  writeFileSync(join(dataDir, "owner"), JSON.stringify({ ...owner, startedAt: "1" }));
  await openStore(t, { dataDir });
});

test("what a killed taker left behind keeps nobody out", async (t) => {
  const { store, dataDir } = await openStore(t);
  await store.close();
  const { child } = await spawnOwner(t, dataDir);
  const owner = readFileSync(join(dataDir, "owner"));
  child.kill("SIGKILL");
  await once(child, "exit");
  writeFileSync(join(dataDir, "owner.takeover"), owner);
  await openStore(t, { dataDir });
  expect(readdirSync(dataDir).filter((name) => name.startsWith("owner"))).toEqual(["owner"]);
});
