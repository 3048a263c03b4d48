// Goal: a message is called stored only when it is, a full disk heals by itself, and a disk that
// fails ends the store.
// Method: real files with a layer in between that notes what is asked, or lets it fail.
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  bodiesOf,
  copyOfStore,
  filesWith,
  fill,
  messageOf,
  openStore,
  systemError,
} from "../../../../test/helpers/segment-store.js";
import { until } from "../../../testing/index.js";
import type { Entry } from "../entry.js";
import { realFiles } from "./disk/file-layer.js";

const LOG = "00000001.log";

test("stored is said after the flush that follows the write", async (t) => {
  const steps: string[] = [];
  const files = filesWith({
    write: async (...given) => {
      const bytes = await realFiles.write(...given);
      steps.push("written");
      return bytes;
    },
    flush: async (fd) => {
      steps.push("flushing");
      await realFiles.flush(fd);
      steps.push("flushed");
    },
  });
  const { store } = await openStore(t, { files });
  steps.length = 0;
  await store.append(messageOf("a")).stored?.then(() => steps.push("stored"));
  expect(steps).toEqual(["written", "flushing", "flushed", "stored"]);
});

test("with durability os nothing is flushed for a message", async (t) => {
  const { store } = await openStore(t, { durability: "os" });
  await fill(store, ["a", "b"]);
  expect(store.getStats().flushes).toBe(0);
});

test("messages of the same moment share one flush", async (t) => {
  const { store } = await openStore(t);
  const { flushes } = store.getStats();
  await fill(
    store,
    Array.from({ length: 100 }, () => "x"),
  );
  expect(store.getStats().flushes).toBe(flushes + 1);
});

test("a write that the system takes piece by piece is whole", async (t) => {
  const files = filesWith({
    write: (fd, buffers, position) => {
      const first = buffers.find(({ length }) => length > 0) ?? Buffer.alloc(0);
      return realFiles.write(fd, [first.subarray(0, 1_000)], position);
    },
  });
  const { store, dataDir } = await openStore(t, { files });
  const bodies = ["a".repeat(5_000), "b", "c".repeat(200_000), "d"];
  await fill(store, bodies);
  await store.close();
  const again = await openStore(t, { dataDir });
  expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(bodies);
});

describe.each(["ENOSPC", "EDQUOT"])("%s", (code) => {
  test("refuses what came, leaves the rest alone and heals by itself", async (t) => {
    let isFull = false;
    const files = filesWith({
      // Takes a part before it refuses, as a disk does.
      write: async (fd, buffers, position) => {
        if (!isFull) return realFiles.write(fd, buffers, position);
        await realFiles.write(fd, [(buffers[0] as Buffer).subarray(0, 50)], position);
        throw systemError(code);
      },
      freeBytes: async (path) => (isFull ? 0 : realFiles.freeBytes(path)),
    });
    const { store, dataDir } = await openStore(t, { files, maxCachedBytes: 100 });
    const [kept, removed] = (await fill(store, ["kept", "removed"])) as [Entry, Entry];
    const { size } = statSync(join(dataDir, LOG));
    isFull = true;
    const refused = store.append(messageOf("refused"));
    await expect(refused.stored).rejects.toMatchObject({ code: "STORE_FULL", retry: true });
    expect(store.getStats()).toMatchObject({ isFull: true, cachedBytes: 11 });
    expect(store.hasRoom(1, true)).toBe(false);
    expect(statSync(join(dataDir, LOG)).size).toBe(size);
    // Reads, marks and removes go on meanwhile.
    await store.mark(kept, { kind: "handed" });
    await store.remove(removed);
    expect(await bodiesOf(store, [kept])).toEqual(["kept"]);

    isFull = false;
    await until("there is room again", () => store.hasRoom(1, false));
    await fill(store, ["after"]);
    await store.close();
    const again = await openStore(t, { dataDir });
    expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(["kept", "after"]);
    expect(again.recovered.entries.map(({ deliveries }) => deliveries)).toEqual([1, 0]);
    expect(again.store.getStats()).toMatchObject({ damagedRecords: 0, tornBytes: 0 });
  });
});

test("a new segment that finds no room is no end either", async (t) => {
  let isFull = false;
  const files = filesWith({
    open: (path, options) => {
      if (isFull && options.isNew) return Promise.reject(systemError("ENOSPC"));
      return realFiles.open(path, options);
    },
  });
  const { store } = await openStore(t, { files, segmentBytes: 4_096 });
  await fill(store, ["x".repeat(3_000)]);
  isFull = true;
  await expect(store.append(messageOf("y".repeat(3_000))).stored).rejects.toMatchObject({
    code: "STORE_FULL",
  });
  isFull = false;
  await until("there is room again", () => store.hasRoom(1, false));
  expect(await bodiesOf(store, await fill(store, ["z".repeat(3_000)]))).toEqual([
    "z".repeat(3_000),
  ]);
});

test("after a flush that failed nothing is called stored, and no flush is tried", async (t) => {
  let flushes = 0;
  let isBroken = false;
  const files = filesWith({
    flush: (fd) => {
      flushes++;
      return isBroken ? Promise.reject(systemError("EIO")) : realFiles.flush(fd);
    },
  });
  const { store, dataDir } = await openStore(t, { files });
  const [before] = await fill(store, ["before"]);
  isBroken = true;
  const first = store.append(messageOf("first")).stored as Promise<void>;
  await Promise.resolve();
  const second = store.append(messageOf("second")).stored as Promise<void>;
  await expect(first).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(second).rejects.toMatchObject({ code: "STORE_FAILED" });
  expect(await store.failed).toMatchObject({ code: "STORE_FAILED" });
  const flushesThen = flushes;
  isBroken = false;
  await expect(store.append(messageOf("third")).stored).rejects.toMatchObject({
    code: "STORE_FAILED",
  });
  expect(store.hasRoom(1, true)).toBe(false);
  expect(await bodiesOf(store, [before as Entry])).toEqual(["before"]);
  await store.close();
  expect(flushes).toBe(flushesThen);
  const again = await openStore(t, { dataDir });
  expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(["before"]);
});

test("a write that fails for another reason ends the store", async (t) => {
  let isBroken = false;
  const files = filesWith({
    write: (...given) =>
      isBroken ? Promise.reject(systemError("EIO")) : realFiles.write(...given),
  });
  const { store } = await openStore(t, { files });
  isBroken = true;
  await expect(store.append(messageOf("a")).stored).rejects.toMatchObject({
    code: "STORE_FAILED",
    message: expect.stringContaining("EIO"),
  });
  isBroken = false;
  await expect(store.append(messageOf("b")).stored).rejects.toMatchObject({
    code: "STORE_FAILED",
  });
});

test("marks that could not be written are written when they can be", async (t) => {
  const fds = new Set<number>();
  let isFull = false;
  const files = filesWith({
    open: async (path, options) => {
      const fd = await realFiles.open(path, options);
      if (path.endsWith(".marks")) fds.add(fd);
      return fd;
    },
    write: async (fd, buffers, position) => {
      if (!isFull || !fds.has(fd)) return realFiles.write(fd, buffers, position);
      await realFiles.write(fd, [(buffers[0] as Buffer).subarray(0, 20)], position);
      throw systemError("ENOSPC");
    },
  });
  const { store, dataDir, log } = await openStore(t, { files });
  const [first, second] = (await fill(store, ["first", "second"])) as [Entry, Entry];
  await store.mark(first, { kind: "handed" });
  isFull = true;
  await store.mark(first, { kind: "handed" });
  await store.mark(first, { kind: "taken" });
  await store.remove(second);
  expect(log()).toContain("marks cannot be written now");
  isFull = false;
  const written = statSync(join(dataDir, "00000001.marks")).size;
  await until("they are", () => statSync(join(dataDir, "00000001.marks")).size > written);
  const copy = await copyOfStore(t, dataDir);
  const { recovered, store: again } = await openStore(t, { dataDir: copy });
  expect(recovered.entries).toEqual([
    expect.objectContaining({ sequence: first.sequence, deliveries: 2, isTaken: true }),
  ]);
  expect(again.getStats().damagedRecords).toBe(0);
});
