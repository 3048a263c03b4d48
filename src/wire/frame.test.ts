/**
 * Goal: the same frames come out however the bytes are cut, and memory is taken only for bytes that
 * arrived, never for what a header claims.
 * Method: every way of cutting a few frames, random ways of cutting larger ones, hostile headers.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteBudget, KiB, MiB } from "../core/index.js";
import { WireErrors } from "./errors.js";
import { encodeFrame, FrameReader, HEADER_BYTES, writeHeader } from "./frame.js";

const FRAME_MAX = 10 * MiB;

function headerOf(bodyBytes: bigint): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64BE(bodyBytes);
  return header;
}

/** Feeds chunks one by one and gathers copies of the bodies, giving held memory back. */
function readAll(reader: FrameReader, chunks: readonly Buffer[], budget: ByteBudget): string[] {
  const bodies: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (;;) {
      const frame = reader.next(FRAME_MAX);
      if (frame === undefined) break;
      bodies.push(frame.body.toString("latin1"));
      budget.giveBack(frame.heldBytes);
    }
  }
  return bodies;
}

function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const edges = [0, ...offsets, bytes.length];
  return edges.slice(1).map((edge, i) => Buffer.from(bytes.subarray(edges[i], edge)));
}

test("three frames are the same for every single and double cut of their bytes", () => {
  const bodies = ['{"a":1}', "", "x"];
  const bytes = Buffer.concat(bodies.map(encodeFrame));
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const budget = new ByteBudget(MiB);
      const reader = new FrameReader({ budget });
      expect(readAll(reader, cut(bytes, [first, second]), budget)).toEqual(bodies);
      expect(reader.insideFrame).toBe(false);
      expect(budget.heldBytes).toBe(0);
    }
  }
});

test("two small frames are the same for all 2^n ways of cutting their bytes", () => {
  const bodies = ["", "y"];
  const bytes = Buffer.concat(bodies.map(encodeFrame));
  const budget = new ByteBudget(MiB);
  for (let ways = 0; ways < 1 << (bytes.length - 1); ways++) {
    const offsets = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
    const chunks = cut(
      bytes,
      offsets.filter((_, i) => (ways >> i) & 1),
    );
    const got = readAll(new FrameReader({ budget }), chunks, budget);
    if (got.join("|") !== "|y") expect.fail(`cut ${ways.toString(2)} gave ${JSON.stringify(got)}`);
  }
});

test("frames of any length are the same for any way of cutting their bytes", () => {
  const lengths = fc.array(
    fc.oneof(fc.nat(100), fc.integer({ min: 4_000, max: 5_000 }), fc.nat(300_000)),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(lengths, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (sizes, cuts) => {
      const bodies = sizes.map((length, i) => String.fromCharCode(0x61 + i).repeat(length));
      const bytes = Buffer.concat(bodies.map(encodeFrame));
      const offsets = cuts.map((at) => Math.floor(at * bytes.length)).sort((a, b) => a - b);
      const budget = new ByteBudget(2 * MiB);
      const got = readAll(new FrameReader({ budget }), cut(bytes, offsets), budget);
      expect(got.map((body) => body.length)).toEqual(sizes);
      expect(got.every((body, i) => body === bodies[i])).toBe(true);
      expect(budget.heldBytes).toBe(0);
    }),
    { numRuns: 150 },
  );
});

test.for([
  ["one byte above the limit", BigInt(FRAME_MAX) + 1n],
  ["2^53 + 1", 2n ** 53n + 1n],
  ["2^62", 2n ** 62n],
  ["2^63", 2n ** 63n],
  ["2^64 - 1", 2n ** 64n - 1n],
] as const)("a header of %s is refused before memory is taken", ([, announced]) => {
  const budget = new ByteBudget(MiB);
  const reader = new FrameReader({ budget });
  reader.push(headerOf(announced));
  const code = WireErrors.FRAME_TOO_LARGE.code;
  expect(() => reader.next(FRAME_MAX)).toThrow(expect.objectContaining({ code }));
  expect(budget.heldBytes).toBe(0);
  expect(reader.announcedBytes).toBeGreaterThan(FRAME_MAX);
  expect(reader.missingBytes).toBe(Number(announced));
});

test("a frame of exactly the limit is taken", () => {
  const reader = new FrameReader();
  reader.push(encodeFrame("x".repeat(1_000)));
  expect(reader.next(1_000)?.body.length).toBe(1_000);
});

test("a header that announces much and sends little costs what was sent, not what it said", () => {
  const budget = new ByteBudget(MiB);
  const reader = new FrameReader({ budget });
  reader.push(headerOf(BigInt(FRAME_MAX)));
  expect(reader.next(FRAME_MAX)).toBeUndefined();
  expect(budget.heldBytes).toBe(0);
  reader.push(Buffer.alloc(10));
  expect(reader.next(FRAME_MAX)).toBeUndefined();
  expect(budget.heldBytes).toBeLessThanOrEqual(64 * KiB);
  reader.close();
  expect(budget.heldBytes).toBe(0);
});

test("what a growing frame takes stays within four times what arrived, and all of it comes back", () => {
  const budget = new ByteBudget(64 * MiB);
  const reader = new FrameReader({ budget });
  const total = 8 * MiB;
  reader.push(headerOf(BigInt(total)));
  reader.next(FRAME_MAX);
  let arrived = 0;
  for (; arrived < total - 50 * KiB; arrived += 50 * KiB) {
    reader.push(Buffer.alloc(50 * KiB));
    expect(reader.next(FRAME_MAX)).toBeUndefined();
    expect(budget.heldBytes).toBeLessThanOrEqual(Math.max(64 * KiB, 4 * (arrived + 50 * KiB)));
  }
  reader.push(Buffer.alloc(total - arrived));
  const frame = reader.next(FRAME_MAX);
  expect(frame?.heldBytes).toBe(total);
  expect(budget.heldBytes).toBe(total);
  reader.close();
  expect(budget.heldBytes).toBe(total);
  budget.giveBack(total);
});

test("closing in the middle of a frame gives all memory back", () => {
  const budget = new ByteBudget(MiB);
  const reader = new FrameReader({ budget });
  reader.push(Buffer.concat([headerOf(500_000n), Buffer.alloc(100_000)]));
  reader.next(FRAME_MAX);
  expect(budget.heldBytes).toBeGreaterThan(0);
  reader.close();
  reader.close();
  expect(budget.heldBytes).toBe(0);
});

test("a frame that finds no memory is refused, and what it held can be given back", () => {
  const budget = new ByteBudget(300 * KiB);
  const reader = new FrameReader({ budget });
  reader.push(Buffer.concat([headerOf(BigInt(MiB)), Buffer.alloc(60 * KiB)]));
  expect(reader.next(FRAME_MAX)).toBeUndefined();
  reader.push(Buffer.alloc(200 * KiB));
  const code = WireErrors.MEMORY_FULL.code;
  expect(() => reader.next(FRAME_MAX)).toThrow(expect.objectContaining({ code }));
  expect(budget.heldBytes).toBeLessThanOrEqual(300 * KiB);
  reader.close();
  expect(budget.heldBytes).toBe(0);
});

test("a small frame in pieces needs no memory from the budget", () => {
  const budget = new ByteBudget(1);
  budget.tryTake(1);
  const reader = new FrameReader({ budget });
  const frame = encodeFrame("z".repeat(4 * KiB));
  expect(readAll(reader, cut(frame, [3, 8, 9, 2_000]), budget)).toEqual(["z".repeat(4 * KiB)]);
  expect(budget.heldBytes).toBe(1);
});

test("the eight header bytes alone are told apart from everything else", () => {
  const reader = new FrameReader();
  const bytes = encodeFrame("abc");
  expect(reader.insideFrame).toBe(false);
  for (let i = 0; i < HEADER_BYTES; i++) {
    reader.push(bytes.subarray(i, i + 1));
    expect(reader.next(FRAME_MAX)).toBeUndefined();
    expect(reader.insideFrame).toBe(true);
    expect(reader.atBodyStart).toBe(i === HEADER_BYTES - 1);
  }
  expect(reader.announcedBytes).toBe(3);
  expect(reader.missingBytes).toBe(3);
  reader.push(bytes.subarray(8, 9));
  expect(reader.next(FRAME_MAX)).toBeUndefined();
  expect(reader.atBodyStart).toBe(false);
  expect(reader.missingBytes).toBe(2);
});

test("a frame of length zero is complete with its header", () => {
  const reader = new FrameReader();
  reader.push(Buffer.alloc(HEADER_BYTES));
  const frame = reader.next(FRAME_MAX);
  expect(frame?.body.length).toBe(0);
  expect(frame?.heldBytes).toBe(0);
  expect(reader.insideFrame).toBe(false);
});

test("a frame beyond 2^32 bytes is announced with both words of its header", () => {
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 2 ** 33 + 5);
  expect(header.readBigUInt64BE()).toBe(2n ** 33n + 5n);
});

test("a frame is encoded in UTF-8 with its length in bytes", () => {
  const frame = encodeFrame('"é你"');
  expect(frame.readBigUInt64BE()).toBe(7n);
  expect(frame.subarray(HEADER_BYTES).toString()).toBe('"é你"');
});
