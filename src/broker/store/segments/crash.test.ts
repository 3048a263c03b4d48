// Goal: whatever moment a process dies in, what it called stored comes back and nothing else does.
// Method: files cut at every byte of what was written last, and copies of the directory made after
// every single step that changes it, opened again.
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  bodiesOf,
  copyOfStore,
  fill,
  openStore,
  stepping,
} from "../../../../test/helpers/segment-store.js";
import { until } from "../../../testing/index.js";
import type { Entry } from "../entry.js";

const LOG = "00000001.log";
const MARKS = "00000001.marks";
const sizeOf = (dataDir: string, name: string) => statSync(join(dataDir, name)).size;

test("a log that is cut at any byte of its last record loses that record alone", async (t) => {
  const { store, dataDir } = await openStore(t);
  await fill(store, ["first", "second"]);
  const whole = sizeOf(dataDir, LOG);
  await fill(store, ["third"]);
  const copy = await copyOfStore(t, dataDir);
  const bytes = readFileSync(join(copy, LOG));
  for (let size = whole; size < bytes.length; size++) {
    writeFileSync(join(copy, LOG), bytes.subarray(0, size));
    const again = await openStore(t, { dataDir: copy });
    expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(["first", "second"]);
    expect(again.store.getStats()).toMatchObject({ tornBytes: size - whole, damagedRecords: 0 });
    await again.store.close();
    expect(sizeOf(copy, LOG)).toBe(whole);
  }
});

test("a last record whose body never reached the disk is a torn end", async (t) => {
  const { store, dataDir } = await openStore(t);
  await fill(store, ["first"]);
  const whole = sizeOf(dataDir, LOG);
  await fill(store, ["x".repeat(5_000)]);
  const copy = await copyOfStore(t, dataDir);
  const bytes = readFileSync(join(copy, LOG));
  writeFileSync(join(copy, LOG), bytes.fill(0, bytes.length - 4_096));
  const again = await openStore(t, { dataDir: copy });
  expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(["first"]);
  expect(again.recovered.unconfirmed).toHaveLength(1);
  expect(again.store.getStats().tornBytes).toBe(bytes.length - whole);
});

test("a sidecar that is cut at any byte of its last mark loses that mark alone", async (t) => {
  const { store, dataDir } = await openStore(t);
  const [first, second] = (await fill(store, ["first", "second"])) as [Entry, Entry];
  await store.mark(first, { kind: "handed" });
  const whole = sizeOf(dataDir, MARKS);
  await store.mark(second, {
    kind: "givenUp",
    why: { atMs: 1, cause: "deadline", reason: "too late" },
  });
  const copy = await copyOfStore(t, dataDir);
  const bytes = readFileSync(join(copy, MARKS));
  for (let size = whole; size < bytes.length; size++) {
    writeFileSync(join(copy, MARKS), bytes.subarray(0, size));
    const again = await openStore(t, { dataDir: copy });
    const { entries } = again.recovered;
    expect(entries.map(({ deliveries }) => deliveries)).toEqual([1, 0]);
    expect(entries[1]?.givenUp).toBeUndefined();
    expect(again.store.getStats()).toMatchObject({ tornBytes: size - whole, damagedRecords: 0 });
    await again.store.close();
  }
});

test("messages go on behind a torn end", async (t) => {
  const { store, dataDir } = await openStore(t);
  await fill(store, ["first", "second"]);
  const copy = await copyOfStore(t, dataDir);
  truncateSync(join(copy, LOG), sizeOf(copy, LOG) - 1);
  const again = await openStore(t, { dataDir: copy });
  await fill(again.store, ["third"]);
  await again.store.close();
  const last = await openStore(t, { dataDir: copy });
  expect(await bodiesOf(last.store, last.recovered.entries)).toEqual(["first", "third"]);
});

test("a message whose body forges a record stays one message", async (t) => {
  const { store, dataDir } = await openStore(t);
  await fill(store, ["inner"]);
  // As near to a record as text can come: the bytes FF are not UTF-8, so they turn into others.
  const forged = readFileSync(join(dataDir, LOG)).subarray(36).toString("utf8");
  await fill(store, [forged, "last"]);
  const copy = await copyOfStore(t, dataDir);
  const bytes = readFileSync(join(copy, LOG));
  const at = bytes.indexOf(forged) - 60;
  // Wrecks the header beyond repair: what is behind it is looked for.
  writeFileSync(join(copy, LOG), bytes.fill(0x55, at, at + 30));
  const again = await openStore(t, { dataDir: copy });
  expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(["inner", "last"]);
  expect(again.store.getStats().damagedRecords).toBe(1);
});

test("a crash at any step of a compaction loses nothing and doubles nothing", async (t) => {
  const copies: string[] = [];
  let isWatched = false;
  const files = stepping(async () => {
    if (isWatched) copies.push(await copyOfStore(t, dataDir));
  });
  const { store, dataDir } = await openStore(t, { files, segmentBytes: 8_192 });
  const bodies = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(1_000, "x"));
  const entries = await fill(store, bodies);
  for (const entry of entries) await store.mark(entry, { kind: "confirmed" });
  const kept = entries.filter((_, index) => index % 7 === 3);
  for (const entry of kept) store.mark(entry, { kind: "handed" });
  const keptBodies = bodies.filter((_, index) => index % 7 === 3);
  const segmentsBefore = store.getStats().segments;
  isWatched = true;
  for (const entry of entries) if (!kept.includes(entry)) store.remove(entry);
  // The marks that remove are on the disk before anything is moved: from here on the answer is one.
  await store.mark(kept[0] as Entry, { kind: "taken" });
  const removedBy = copies.length;
  await until("segments were given back", () => store.getStats().segments < segmentsBefore - 3);
  isWatched = false;
  expect(await bodiesOf(store, kept)).toEqual(keptBodies);
  await store.close();
  copies.push(await copyOfStore(t, dataDir));

  expect(copies.length).toBeGreaterThan(removedBy + 10);
  for (const copy of copies.slice(removedBy)) {
    const again = await openStore(t, { dataDir: copy, segmentBytes: 8_192 });
    expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(keptBodies);
    expect(again.recovered.entries.map(({ sequence }) => sequence)).toEqual(
      kept.map(({ sequence }) => sequence),
    );
    expect(again.recovered.entries.every(({ deliveries }) => deliveries === 1)).toBe(true);
    expect(again.recovered.entries[0]?.isTaken).toBe(true);
    expect(again.store.getStats()).toMatchObject({ damagedRecords: 0, tornBytes: 0 });
    await again.store.close();
    // And once more: what the first start finished must not be undone by the second.
    const last = await openStore(t, { dataDir: copy, segmentBytes: 8_192 });
    expect(await bodiesOf(last.store, last.recovered.entries)).toEqual(keptBodies);
    expect(last.recovered.entries.every(({ deliveries }) => deliveries === 1)).toBe(true);
    await last.store.close();
  }
});

test("what is removed while it is being moved stays removed", async (t) => {
  const { store, dataDir } = await openStore(t, { segmentBytes: 8_192 });
  const entries = await fill(
    store,
    Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(1_000, "x")),
  );
  for (const entry of entries) store.mark(entry, { kind: "confirmed" });
  const kept = entries.filter((_, index) => index % 7 === 3);
  for (const entry of entries) if (!kept.includes(entry)) store.remove(entry);
  while (kept.length > 1) {
    store.remove(kept.pop() as Entry);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.close();
  const again = await openStore(t, { dataDir, segmentBytes: 8_192 });
  expect(again.recovered.entries.map(({ sequence }) => sequence)).toEqual([kept[0]?.sequence]);
});

for (const name of ["00000002.marks", "00000002.log"]) {
  test(`a crash while the next segment is made, with ${name} begun, costs nothing`, async (t) => {
    const { store, dataDir } = await openStore(t);
    for (const entry of await fill(store, ["done", "done, too"])) {
      store.mark(entry, { kind: "confirmed" });
      store.remove(entry);
    }
    await store.close();
    const copy = await copyOfStore(t, dataDir);
    writeFileSync(join(copy, name), "");
    const again = await openStore(t, { dataDir: copy });
    // The first segment is over. It is the one that is written to, so it must not be given back.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await bodiesOf(again.store, await fill(again.store, ["more"]))).toEqual(["more"]);
    await again.store.close();
    const last = await openStore(t, { dataDir: copy });
    expect(await bodiesOf(last.store, last.recovered.entries)).toEqual(["more"]);
  });
}

test("a crash while a store is being made leaves one that can be opened", async (t) => {
  const copies: string[] = [];
  const files = stepping(async () => {
    copies.push(await copyOfStore(t, dataDir));
  });
  const { dataDir } = await openStore(t).then(async (first) => {
    await first.store.close();
    return first;
  });
  const fresh = await openStore(t, { dataDir, files });
  await fresh.store.close();
  for (const copy of copies) {
    const again = await openStore(t, { dataDir: copy });
    expect(await bodiesOf(again.store, await fill(again.store, ["a"]))).toEqual(["a"]);
    await again.store.close();
  }
});
