// Goal: a store gives back what it was given, in order and with what happened to it, and gives disk
// back when messages are over.
// Method: real files in a folder of the test; stores are closed and opened again.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  bodiesOf,
  copyOfStore,
  fill,
  messageOf,
  openStore,
} from "../../../../test/helpers/segment-store.js";
import { temporaryFolder } from "../../../../test/helpers/temporary-folder.js";
import { until } from "../../../testing/index.js";
import type { Entry } from "../entry.js";
import { CONFIRM_MS } from "../message-store.js";
import { encodeFileHeader, FILE_HEADER_BYTES, FORMAT_VERSION } from "./format/file-header.js";
import type { SegmentStore } from "./segment-store.js";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const kilobytes = (count: number) => numbers(count).map((index) => `${index}`.padEnd(1024, "x"));
const logsOf = (dataDir: string) => readdirSync(dataDir).filter((name) => name.endsWith(".log"));

/** Confirmed and removed: nothing of them needs to be kept. */
function finish(store: SegmentStore, entries: readonly Entry[]): void {
  for (const entry of entries) {
    store.mark(entry, { kind: "confirmed" });
    store.remove(entry);
  }
}

describe.each(["fsync", "os"] as const)("with durability %s", (durability) => {
  test("messages come back in their order, without the removed ones", async (t) => {
    const { store, dataDir } = await openStore(t, { durability });
    const entries = await fill(store, ["a", "b", "", "ä\\u0000", "e"]);
    expect(await bodiesOf(store, entries)).toEqual(["a", "b", "", "ä\\u0000", "e"]);
    await store.remove(entries[1] as Entry);
    await store.close();

    const again = await openStore(t, { durability, dataDir });
    expect(await bodiesOf(again.store, again.recovered.entries)).toEqual([
      "a",
      "",
      "ä\\u0000",
      "e",
    ]);
    const [next] = await fill(again.store, ["f"]);
    expect(next?.sequence).toBeGreaterThan(entries[4]?.sequence as number);
    expect(again.store.getStats()).toMatchObject({ damagedRecords: 0, tornBytes: 0 });
  });

  test("what a killed process had stored is there", async (t) => {
    const { store, dataDir } = await openStore(t, { durability });
    const [first] = await fill(store, ["a", "b"]);
    await store.mark(first as Entry, { kind: "handed" });
    const again = await openStore(t, { durability, dataDir: await copyOfStore(t, dataDir) });
    expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(["a", "b"]);
    expect(again.recovered.entries.map(({ deliveries }) => deliveries)).toEqual([1, 0]);
  });
});

test("an entry comes back with everything that its marks made of it", async (t) => {
  const { store, dataDir } = await openStore(t);
  const message = messageOf("body", { kind: "job", queueName: "wörk\u0000", storedAtMs: 1_234.5 });
  const { entry, stored } = store.append(message);
  await stored;
  store.mark(entry, { kind: "handed" });
  store.mark(entry, { kind: "handed" });
  store.mark(entry, { kind: "returned" });
  store.mark(entry, { kind: "confirmed" });
  store.mark(entry, { kind: "taken" });
  store.mark(entry, { kind: "fetched", atMs: 77.5 });
  store.mark(entry, { kind: "givenUp", why: { atMs: 5, cause: "deliveries", reason: "thrice" } });
  store.mark(entry, { kind: "answered" });
  await store.close();
  const again = await openStore(t, { dataDir });
  expect(again.recovered.entries).toEqual([
    expect.objectContaining({
      sequence: entry.sequence,
      queueName: message.queueName,
      id: message.id,
      kind: "job",
      storedAtMs: 1_234.5,
      bodyBytes: 4,
      deliveries: 1,
      isConfirmed: true,
      isTaken: true,
      fetchedAtMs: 77.5,
      givenUp: { atMs: 5, cause: "deliveries", reason: "thrice" },
      isAnswered: true,
    }),
  ]);
  again.store.mark(again.recovered.entries[0] as Entry, { kind: "revived", atMs: 5 });
  await again.store.close();
  const last = await openStore(t, { dataDir });
  expect(last.recovered.entries[0]).toMatchObject({
    deliveries: 0,
    isTaken: false,
    givenUp: undefined,
    isAnswered: false,
  });
});

test("why the job of a result failed comes back with the result, and only with that one", async (t) => {
  const { store, dataDir } = await openStore(t, { segmentBytes: 4_096 });
  const reasons = ["no page", undefined, "Mühle ".repeat(600), "\u0000", undefined];
  for (const failed of reasons) {
    const message = messageOf("{}", { kind: "result", queueName: "wörk", failed });
    const { entry, stored } = store.append(message);
    expect(entry).toMatchObject({ queueName: "wörk", failed });
    await stored;
  }
  await store.close();
  const again = await openStore(t, { dataDir });
  const found = again.recovered.entries.map(({ queueName, failed }) => ({ queueName, failed }));
  expect(found).toEqual(reasons.map((failed) => ({ queueName: "wörk", failed })));
  expect(await bodiesOf(again.store, again.recovered.entries)).toEqual(reasons.map(() => "{}"));
});

test("senders that may come again are known, also when their messages are over", async (t) => {
  const { store, dataDir } = await openStore(t);
  const now = Date.now();
  const digests = numbers(4).map((index) => Buffer.alloc(16, index + 1));
  const [open, over, confirmed, old] = digests.map((digest, index) =>
    store.append(messageOf("x", { digest, storedAtMs: index === 3 ? now - CONFIRM_MS - 1 : now })),
  );
  await old?.stored;
  store.remove(over?.entry as Entry);
  store.mark(confirmed?.entry as Entry, { kind: "confirmed" });
  await store.close();
  const { recovered } = await openStore(t, { dataDir });
  expect(recovered.unconfirmed.map(({ digest }) => digest)).toEqual([digests[0], digests[1]]);
  expect(recovered.unconfirmed[0]?.entry).toBe(recovered.entries[0]);
  expect(recovered.entries[0]?.sequence).toBe(open?.entry.sequence);
  expect(recovered.entries.map(({ isConfirmed }) => isConfirmed)).toEqual([false, true, true]);
});

test("the secret stays the same, also when one of its two files is lost", async (t) => {
  const { store, recovered, dataDir } = await openStore(t);
  await store.close();
  writeFileSync(join(dataDir, "store.json"), "{}");
  const again = await openStore(t, { dataDir });
  expect(again.recovered.secret).toEqual(recovered.secret);
  expect(again.store.getStats().damagedRecords).toBe(1);
  await again.store.close();
  const last = await openStore(t, { dataDir });
  expect(last.recovered.secret).toEqual(recovered.secret);
  expect(last.store.getStats().damagedRecords).toBe(0);
});

test("only the owner may read the files", async (t) => {
  const dataDir = join(await temporaryFolder(t), "deep", "store");
  const { store } = await openStore(t, { dataDir });
  await fill(store, ["a"]);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(dataDir)) {
    expect([name, statSync(join(dataDir, name)).mode & 0o777]).toEqual([name, 0o600]);
  }
});

test("bodies stay in memory as long as there is room, and are read back when not", async (t) => {
  const { store } = await openStore(t, { maxCachedBytes: 10 });
  const entries = await fill(store, ["12345", "67890", "abcde"]);
  expect(store.getStats().cachedBytes).toBe(10);
  expect(store.read(entries[0] as Entry)).toEqual(Buffer.from("12345"));
  expect(store.read(entries[2] as Entry)).toBeInstanceOf(Promise);
  store.forgetBody(entries[0] as Entry);
  store.forgetBody(entries[0] as Entry);
  expect(store.getStats().cachedBytes).toBe(5);
  expect(await bodiesOf(store, entries)).toEqual(["12345", "67890", "abcde"]);
  for (const entry of entries) store.remove(entry);
  expect(store.getStats().cachedBytes).toBe(0);
});

test("removing twice does nothing, and a message that is gone cannot be read", async (t) => {
  const { store } = await openStore(t);
  const [entry] = await fill(store, ["a"]);
  await store.remove(entry as Entry);
  const { liveBytes, storedBytes } = store.getStats();
  expect(store.remove(entry as Entry)).toBeUndefined();
  expect(store.getStats()).toMatchObject({ liveBytes, storedBytes });
  expect(liveBytes).toBe(0);
  expect(() => store.read(entry as Entry)).toThrow(TypeError);
});

test("segments are sealed at their size and deleted when all in them is over", async (t) => {
  const { store, dataDir } = await openStore(t, { segmentBytes: 16 * 1024 });
  const entries = await fill(store, kilobytes(64));
  expect(logsOf(dataDir).length).toBeGreaterThanOrEqual(4);
  finish(store, entries);
  await until("nothing is left", () => store.getStats().storedBytes === 2 * FILE_HEADER_BYTES);
  await store.close();
  expect(logsOf(dataDir)).toHaveLength(1);
  const again = await openStore(t, { dataDir });
  expect(again.recovered.entries).toEqual([]);
  const [next] = await fill(again.store, ["next"]);
  expect(next?.sequence).toBe((entries.at(-1)?.sequence as number) + 1);
});

test("a segment stays while a sender may come again, and its files name no other", async (t) => {
  const { store, dataDir } = await openStore(t, { segmentBytes: 8 * 1024 });
  const entries = await fill(store, kilobytes(24));
  for (const entry of entries) store.remove(entry);
  await store.close();
  const again = await openStore(t, { dataDir, segmentBytes: 8 * 1024 });
  expect(again.recovered.entries).toEqual([]);
  expect(again.recovered.unconfirmed).toHaveLength(24);
  expect(again.store.getStats().segments).toBeGreaterThan(1);
  for (const { entry } of again.recovered.unconfirmed)
    again.store.mark(entry, { kind: "confirmed" });
  await until("one segment is left", () => again.store.getStats().segments === 1);
});

test("reads that are under way hold the files they read", async (t) => {
  const { store } = await openStore(t, { segmentBytes: 8 * 1024 });
  const bodies = kilobytes(16);
  const entries = await fill(store, bodies);
  const reading = bodiesOf(store, entries);
  finish(store, entries);
  expect(await reading).toEqual(bodies);
  await until("one segment is left", () => store.getStats().segments === 1);
});

test("a store says when it has as much as it may, and leaves room for results", async (t) => {
  const { store } = await openStore(t, { maxStoredBytes: 100_000, segmentBytes: 20_000 });
  expect(store.hasRoom(50_000, false)).toBe(true);
  expect(store.hasRoom(95_000, false)).toBe(false);
  expect(store.hasRoom(95_000, true)).toBe(true);
  expect(store.hasRoom(100_000, true)).toBe(false);
  const entries = await fill(store, kilobytes(82));
  expect(store.hasRoom(1_024, false)).toBe(false);
  finish(store, entries);
  await until("there is room", () => store.hasRoom(50_000, false));
});

test("what shall stay free on the disk is not used", async (t) => {
  const { store } = await openStore(t, { minFreeBytes: 1e18 });
  expect(store.hasRoom(1, true)).toBe(false);
});

test("a message larger than a segment is stored, and the next ones behind it", async (t) => {
  const { store, dataDir } = await openStore(t);
  const body = Buffer.alloc(20 * 1024 * 1024, "0123456789");
  const { stored } = store.append(messageOf(body));
  const [, small] = await Promise.all([stored, fill(store, ["small"])]);
  expect(await bodiesOf(store, small)).toEqual(["small"]);
  await store.close();
  const again = await openStore(t, { dataDir });
  const [large, next] = again.recovered.entries as [Entry, Entry];
  expect(body.equals(await again.store.read(large))).toBe(true);
  expect(await bodiesOf(again.store, [next])).toEqual(["small"]);
});

test("a hundred thousand small messages come back", async (t) => {
  const { store, dataDir } = await openStore(t, { durability: "os", segmentBytes: 1 << 22 });
  const entries = await fill(store, numbers(100_000).map(String));
  for (const entry of entries) if (entry.sequence % 2 === 1) store.remove(entry);
  await store.close();
  const again = await openStore(t, { durability: "os", dataDir });
  expect(again.recovered.entries.map(({ sequence }) => sequence)).toEqual(
    numbers(50_000).map((index) => 2 * index),
  );
  expect(await bodiesOf(again.store, again.recovered.entries.slice(-2))).toEqual([
    "99996",
    "99998",
  ]);
});

describe("a store that cannot be used", () => {
  const unknown = FORMAT_VERSION + 1;

  test("a log of another version is refused, and nothing is touched", async (t) => {
    const { store, dataDir } = await openStore(t);
    await fill(store, ["a"]);
    await store.close();
    const header = { version: unknown, kind: "log", segmentNumber: 2, nextSequence: 1 } as const;
    writeFileSync(join(dataDir, "00000002.log"), encodeFileHeader(header));
    writeFileSync(join(dataDir, "00000001.marks"), "damage that a start would mend");
    const before = readdirSync(dataDir).map((name) => [name, statSync(join(dataDir, name)).size]);
    await expect(openStore(t, { dataDir })).rejects.toMatchObject({
      code: "STORE_FORMAT_UNKNOWN",
      details: { found: unknown, known: FORMAT_VERSION },
    });
    const after = readdirSync(dataDir).map((name) => [name, statSync(join(dataDir, name)).size]);
    expect(after).toEqual(before);
  });

  test("a directory that cannot be made is told", async (t) => {
    const file = join(await temporaryFolder(t), "file");
    writeFileSync(file, "");
    await expect(openStore(t, { dataDir: join(file, "store") })).rejects.toMatchObject({
      code: "STORE_UNUSABLE",
    });
  });

  test("a closed store takes nothing", async (t) => {
    const { store } = await openStore(t);
    await store.close();
    expect(store.hasRoom(1, true)).toBe(false);
    await expect(store.append(messageOf("a")).stored).rejects.toMatchObject({
      code: "STORE_FAILED",
    });
  });
});
