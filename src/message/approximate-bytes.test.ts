// Goal: the size of a message follows what is in it, whatever its form. Method: rows of known content.
import { expect, test } from "vitest";
import { approximateBytes } from "./approximate-bytes.js";

const sizeOf = (...payload: unknown[]) => approximateBytes({ payload });

test("texts, binaries and vectors count with their length", () => {
  expect(sizeOf({ content: "x".repeat(10_000) })).toBeGreaterThanOrEqual(10_000);
  expect(sizeOf({ content: "x".repeat(10_000) })).toBeLessThan(10_200);
  expect(sizeOf({ content: new Uint8Array(5_000) })).toBeGreaterThanOrEqual(5_000);
  expect(sizeOf({ metadata: { embedding: Array(1_000).fill(0.5) } })).toBeGreaterThanOrEqual(8_000);
  expect(sizeOf({ metadata: { text: { parts: ["ab", "cd".repeat(50)] } } })).toBeGreaterThan(102);
});

test("a row that contains itself, or is there twice, is counted once", () => {
  const row: Record<string, unknown> = { content: "x".repeat(1_000) };
  row.self = row;
  expect(sizeOf(row, row)).toBeLessThan(1_200);
});

test("rows nested deeper than a stack are counted", () => {
  let row: unknown = "deep";
  for (let depth = 0; depth < 200_000; depth++) row = { row };
  expect(sizeOf(row)).toBeGreaterThan(200_000);
});
