import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, type TestContext, test } from "vitest";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import { FolderStore } from "./folder-store.js";
import { MessageObjects } from "./message-objects.js";
import { parseReference } from "./reference.js";

const BIG = `{"job_payload": "${"ä€😀".repeat(50)}"}`;

async function openObjects(t: TestContext, minBytes = 100) {
  const dir = await temporaryFolder(t);
  const store = new FolderStore({ dir, maxAgeMs: 3_600_000, timeoutMs: 20_000 });
  const objectPaths = () =>
    readdirSync(dir, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".object"))
      .map((name) => join(dir, name));
  return { objects: new MessageObjects(store, { minBytes }), objectPaths };
}

test("a small message travels itself", async (t) => {
  const { objects, objectPaths } = await openObjects(t);
  const text = "x".repeat(99);
  expect(await objects.offload(text)).toBe(text);
  expect(await objects.load(text)).toBe(text);
  await objects.discard(text);
  expect(objectPaths()).toEqual([]);
});

test("a large message travels by reference, is loaded as often as needed, and discarded", async (t) => {
  const { objects, objectPaths } = await openObjects(t);
  const sent = await objects.offload(BIG, { jobId: "job-1" });
  expect(parseReference(sent)).toMatchObject({ bytes: Buffer.byteLength(BIG), jobId: "job-1" });
  expect(await objects.load(sent)).toBe(BIG);
  expect(await objects.load(sent)).toBe(BIG);
  expect(objectPaths()).toHaveLength(1);
  await objects.discard(sent);
  await objects.discard(sent);
  expect(objectPaths()).toEqual([]);
  const missing = { code: "OBJECT_MISSING", kind: "state", retry: false };
  await expect(objects.load(sent)).rejects.toMatchObject(missing);
});

test("bytes count, not characters", async (t) => {
  const { objects } = await openObjects(t);
  expect(parseReference(await objects.offload("ä".repeat(50)))).toMatchObject({ bytes: 100 });
  expect(await objects.offload(`${"ä".repeat(49)}x`)).toBe(`${"ä".repeat(49)}x`);
});

test("every message has an object of its own", async (t) => {
  const { objects, objectPaths } = await openObjects(t);
  const sent = await Promise.all(Array.from({ length: 20 }, () => objects.offload(BIG)));
  expect(new Set(sent).size).toBe(20);
  expect(objectPaths()).toHaveLength(20);
});

test("whatever is sent is received, also what looks like a reference", async (t) => {
  const { objects } = await openObjects(t);
  const lookalike = fc.string().map((text) => `{"millrace_object":${text}`);
  const texts = fc.oneof(fc.string({ unit: "grapheme", maxLength: 200 }), lookalike);
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      expect(await objects.load(await objects.offload(text))).toBe(text);
    }),
    { numRuns: 100 },
  );
  const reference = await objects.offload(BIG);
  expect(await objects.load(await objects.offload(reference))).toBe(reference);
});

test("an object that is not what was stored is refused", async (t) => {
  const damages = [
    (bytes: Buffer) => bytes.subarray(1),
    (bytes: Buffer) => Buffer.concat([bytes, bytes]),
    () => Buffer.alloc(0),
    (bytes: Buffer) => bytes.fill((bytes[9] as number) ^ 1, 9, 10),
  ];
  for (const damage of damages) {
    const { objects, objectPaths } = await openObjects(t);
    const sent = await objects.offload(BIG);
    const [path] = objectPaths() as [string];
    writeFileSync(path, damage(readFileSync(path)));
    const damaged = { code: "OBJECT_DAMAGED", kind: "input", retry: false };
    await expect(objects.load(sent)).rejects.toMatchObject(damaged);
  }
});

test("a hostile reference reads and deletes nothing", async (t) => {
  const { objects } = await openObjects(t);
  const text = '{"millrace_object": {"key": "../x", "bytes": 1, "sha256": ""}}';
  const invalid = { code: "OBJECT_REFERENCE_INVALID" };
  await expect(objects.load(text)).rejects.toMatchObject(invalid);
  await expect(objects.discard(text)).rejects.toMatchObject(invalid);
});

test("a job id that no reference can hold is told before anything is stored", async (t) => {
  const { objects, objectPaths } = await openObjects(t);
  const offload = objects.offload(BIG, { jobId: "x".repeat(257) });
  await expect(offload).rejects.toMatchObject({ code: "OBJECT_REFERENCE_INVALID" });
  expect(objectPaths()).toEqual([]);
});

test("a signal that has fired ends each call", async (t) => {
  const { objects } = await openObjects(t);
  const sent = await objects.offload(BIG);
  const signal = AbortSignal.abort("enough");
  await expect(objects.offload(BIG, { signal })).rejects.toBe("enough");
  await expect(objects.load(sent, { signal })).rejects.toBe("enough");
  await expect(objects.discard(sent, { signal })).rejects.toBe("enough");
});
