// Goal: a flipped bit is found, and costs at most the message it hit.
// Method: random bits of all files of a store, from a fixed seed, turned one at a time. The store is
// opened, and everything in it read and compared with what was stored.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyOfStore, fill, openStore } from "../../../../test/helpers/segment-store.js";
import { hasCode } from "../../../core/index.js";
import type { Entry } from "../entry.js";
import { StoreErrors } from "../errors.js";

const FLIPS = 400;
const SEED = 20_261_124;

/** Mulberry32: small, and the same everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("a flipped bit anywhere is found or harmless, and costs one message at most", async (t) => {
  const { store, dataDir } = await openStore(t, { segmentBytes: 12_288 });
  const bodies = Array.from({ length: 40 }, (_, index) =>
    `body ${index} `.repeat(1 + (index % 30)),
  );
  const entries = await fill(store, bodies);
  for (const [index, entry] of entries.entries()) {
    await store.mark(entry, { kind: "confirmed" });
    if (index % 3 === 0) await store.remove(entry);
    if (index % 5 === 0) {
      await store.mark(entry, {
        kind: "givenUp",
        why: { atMs: index, cause: "deliveries", reason: "it failed again and again" },
      });
    }
  }
  await store.close();
  const expected = new Map(
    entries.flatMap(({ sequence }, index) =>
      index % 3 === 0 ? [] : [[sequence, bodies[index] as string]],
    ),
  );
  const pristine = readdirSync(dataDir).filter((name) => statSync(join(dataDir, name)).isFile());
  const sizes = pristine.map((name) => statSync(join(dataDir, name)).size);
  const total = sizes.reduce((sum, size) => sum + size, 0);

  const random = randomNumbers(SEED);
  for (let flip = 0; flip < FLIPS; flip++) {
    let at = Math.floor(random() * total);
    const bit = Math.floor(random() * 8);
    const file = sizes.findIndex((size) => {
      at -= size;
      return at < 0;
    });
    const name = pristine[file] as string;
    const offset = at + (sizes[file] as number);
    const copy = await copyOfStore(t, dataDir);
    const bytes = readFileSync(join(copy, name));
    bytes[offset] = (bytes[offset] as number) ^ (1 << bit);
    writeFileSync(join(copy, name), bytes);

    const where = `${name}, byte ${offset}, bit ${bit}`;
    const again = await openStore(t, { dataDir: copy, durability: "os", segmentBytes: 12_288 });
    const found = again.recovered.entries;
    const sequences = found.map(({ sequence }) => sequence);
    expect(new Set(sequences).size, where).toBe(sequences.length);
    let isHit = 0;
    for (const entry of found) {
      const body = await readOrDamage(again.store, entry);
      expect(entry.givenUp?.atMs, where).toBe(
        entry.sequence % 5 === 0 ? entry.sequence : undefined,
      );
      if (body === undefined) isHit++;
      else expect(body, where).toBe(expected.get(entry.sequence));
    }
    isHit += expected.size - found.length;
    expect(isHit, where).toBeLessThanOrEqual(name.endsWith(".log") ? 1 : 0);
    const { damagedRecords, tornBytes } = again.store.getStats();
    // A bit in the body of a message that is over is of no interest to anybody.
    if (isHit > 0 || !name.endsWith(".log")) {
      expect(damagedRecords + tornBytes, where).toBeGreaterThan(0);
    }
    expect(again.log(), where).not.toContain("body");
    await again.store.close();
  }
});

async function readOrDamage(
  store: { read(entry: Entry): Buffer | Promise<Buffer> },
  entry: Entry,
): Promise<string | undefined> {
  try {
    return String(await store.read(entry));
  } catch (error) {
    if (hasCode(error, StoreErrors.DAMAGED.code)) return undefined;
    throw error;
  }
}

test("what is damaged lies in quarantine once, and the rest is served", async (t) => {
  const { store, dataDir } = await openStore(t, { segmentBytes: 4_096 });
  const entries = await fill(
    store,
    Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(700, "x")),
  );
  await store.close();
  const path = join(dataDir, "00000001.log");
  const bytes = readFileSync(path);
  const second = bytes.indexOf("1xxx");
  // The whole header of the second record, and a byte in the body of the third.
  bytes.fill(0xff, second - 70, second);
  bytes[bytes.indexOf("2xxx") + 9] = 0x21;
  writeFileSync(path, bytes);
  for (const starts of [1, 2]) {
    const again = await openStore(t, { dataDir, segmentBytes: 4_096 });
    const { entries: found } = again.recovered;
    expect(found.map(({ sequence }) => sequence)).toEqual(
      entries.map(({ sequence }) => sequence).filter((sequence) => sequence !== 1),
    );
    await expect(again.store.read(found[1] as Entry)).rejects.toMatchObject({
      code: "STORE_DAMAGED",
    });
    expect(String(await again.store.read(found[2] as Entry))).toMatch(/^3x+$/);
    expect(again.store.getStats().damagedRecords, `start ${starts}`).toBe(2);
    expect(readdirSync(join(dataDir, "quarantine"))).toHaveLength(2);
    await again.store.close();
  }
});
