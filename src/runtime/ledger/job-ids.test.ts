/**
 * Goal: a broker knows the ids that it gave out, and no others, without keeping them.
 * Method: ids of two secrets, and every id that differs in one digit.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { JobIds } from "./job-ids.js";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("ids are UUIDs of version 4 that never come twice", () => {
  const ids = new JobIds(randomBytes(32));
  const issued = Array.from({ length: 5_000 }, () => ids.issue());
  for (const id of issued) expect(id).toMatch(UUID_V4);
  expect(new Set(issued).size).toBe(issued.length);
});

test("an id is known to whoever has the secret, also after a restart, and to nobody else", () => {
  const secret = randomBytes(32);
  const id = new JobIds(secret).issue();
  expect(new JobIds(Buffer.from(secret)).isOurs(id)).toBe(true);
  expect(new JobIds(randomBytes(32)).isOurs(id)).toBe(false);
});

test("an id that differs in any one digit is not ours", () => {
  const ids = new JobIds(randomBytes(32));
  const id = ids.issue();
  for (let at = 0; at < id.length; at++) {
    const digit = id[at] === "0" ? "1" : "0";
    expect(ids.isOurs(id.slice(0, at) + digit + id.slice(at + 1))).toBe(false);
  }
});

test.for([
  ["a made-up UUID", randomUUID()],
  ["nothing", ""],
  ["a name", "ingest_task_queue"],
  ["36 other characters", "x".repeat(36)],
])("%s is not ours", ([, id]) => {
  expect(new JobIds(randomBytes(32)).isOurs(id as string)).toBe(false);
});

test("an id of ours in another writing is not ours", () => {
  const ids = new JobIds(randomBytes(32));
  // One with a letter, which nearly all have.
  let id = ids.issue();
  while (id.toUpperCase() === id) id = ids.issue();
  const writings = [id.toUpperCase(), id.replaceAll("-", ""), `${id} `, `{${id.slice(2)}}`];
  expect(writings.map((writing) => ids.isOurs(writing))).toEqual([false, false, false, false]);
});
