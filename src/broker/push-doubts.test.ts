/**
 * Goal: a push whose sender may not know of it is found by its repetition, for two minutes, and by
 * nothing else; what is known for certain is told once.
 * Method: calls, on a clock that the test sets.
 */
import { describe, expect, test } from "vitest";
import { entryOf } from "../../test/helpers/queued-messages.js";
import { digestOf, PushDoubts } from "./push-doubts.js";
import type { Entry } from "./store/entry.js";
import { CONFIRM_MS } from "./store/message-store.js";

function newDoubts() {
  const over: Entry[] = [];
  const clock = { nowMs: 5_000 };
  const doubts = new PushDoubts(
    () => clock.nowMs,
    (entry) => over.push(entry),
  );
  let sequence = 0;
  const add = (key: string, leftMs?: number) => {
    const entry = entryOf(sequence++);
    doubts.add({ key, id: entry.id, entry, stored: undefined }, leftMs);
    return entry;
  };
  return { doubts, over, clock, add };
}

test("a doubt is found under its key until its sender is known to have heard", () => {
  const { doubts, over, add } = newDoubts();
  const entry = add("a");
  const doubt = doubts.find("a") ?? expect.fail("not found");
  expect(doubt).toMatchObject({ key: "a", id: entry.id, entry });
  expect(doubts.find("b")).toBeUndefined();
  expect(over).toEqual([]);
  doubts.resolve(doubt);
  doubts.resolve(doubt);
  expect(over).toEqual([entry]);
  expect(doubts.find("a")).toBeUndefined();
  expect(doubts.count).toBe(0);
});

test("a doubt ends after two minutes, and not before", () => {
  const { doubts, over, clock, add } = newDoubts();
  const early = add("early");
  clock.nowMs += 1_000;
  add("late");
  clock.nowMs += CONFIRM_MS - 1_001;
  expect(doubts.find("early")?.entry).toBe(early);
  clock.nowMs++;
  expect(doubts.find("early")).toBeUndefined();
  expect(over).toEqual([early]);
  expect(doubts.find("late")).toBeDefined();
});

test("a doubt from before a restart has only what is left of its time", () => {
  const { doubts, over, clock, add } = newDoubts();
  const old = add("old", 10);
  add("new");
  clock.nowMs += 10;
  expect(doubts.find("old")).toBeUndefined();
  expect(over).toEqual([old]);
  expect(doubts.count).toBe(1);
});

test("a doubt that is over by itself is not resolved by its late repetition", () => {
  const { doubts, over, clock, add } = newDoubts();
  const entry = add("a");
  const doubt = doubts.find("a") ?? expect.fail("not found");
  clock.nowMs += CONFIRM_MS;
  expect(doubts.find("a")).toBeUndefined();
  const next = add("a");
  doubts.resolve(doubt);
  expect(over).toEqual([entry]);
  expect(doubts.find("a")?.entry).toBe(next);
});

test("equal pushes that are in doubt at the same time are found one after the other", () => {
  const { doubts, over, add } = newDoubts();
  const entries = [add("a"), add("a"), add("a")];
  for (const entry of entries) {
    const doubt = doubts.find("a") ?? expect.fail("not found");
    expect(doubt.entry).toBe(entry);
    doubts.resolve(doubt);
  }
  expect(over).toEqual(entries);
  expect([doubts.find("a"), doubts.count]).toEqual([undefined, 0]);
});

test("one that is being repeated is found only when there is no other", () => {
  const { doubts, add } = newDoubts();
  const entries = [add("a"), add("a")];
  const first = doubts.find("a") ?? expect.fail("not found");
  first.repetitions++;
  const second = doubts.find("a") ?? expect.fail("not found");
  expect(second.entry).toBe(entries[1]);
  second.repetitions++;
  expect(doubts.find("a")).toBe(first);
  second.repetitions--;
  expect(doubts.find("a")).toBe(second);
});

test("a push that is not stored after all is in doubt no more, and nothing is said of it", async () => {
  const { doubts, over, add } = newDoubts();
  const entry = entryOf(100);
  const stored = Promise.reject(new Error("the disk is full"));
  doubts.add({ key: "a", id: entry.id, entry, stored });
  const other = add("a");
  await expect(stored).rejects.toThrow();
  expect(doubts.find("a")?.entry).toBe(other);
  expect([doubts.count, over]).toEqual([1, []]);
});

test("more than a hundred thousand are forgotten, oldest first", () => {
  const { doubts, over, add } = newDoubts();
  for (let i = 0; i < 100_002; i++) add(`key ${i}`);
  expect(doubts.count).toBe(100_000);
  expect(over.map(({ sequence }) => sequence)).toEqual([0, 1]);
  expect(doubts.find("key 1")).toBeUndefined();
  expect(doubts.find("key 2")).toBeDefined();
});

test("a key is open as long as one of its pushes is", () => {
  const { doubts } = newDoubts();
  doubts.open("a");
  doubts.open("a");
  expect([doubts.isOpen("a"), doubts.isOpen("b")]).toEqual([true, false]);
  doubts.close("a");
  expect(doubts.isOpen("a")).toBe(true);
  doubts.close("a");
  expect(doubts.isOpen("a")).toBe(false);
});

describe("digests", () => {
  const parts = ["PUSH", "q", "m"] as const;
  const digest = (command: string, name: string, text: string) =>
    digestOf(command, name, Buffer.from(text)).toString("hex");

  test("of the same push are equal, and 16 bytes long", () => {
    expect(digest(...parts)).toBe(digest(...parts));
    expect(digest(...parts)).toHaveLength(32);
  });

  test.for([
    ["command", "PUSH_FOR_NV_INGEST", "q", "m"],
    ["queue", "PUSH", "r", "m"],
    ["message", "PUSH", "q", "n"],
    ["border between queue and message", "PUSH", "qm", ""],
    ["border with a length of two digits", "PUSH", "1 qm", "m"],
  ] as const)("differ with the %s", ([, command, name, text]) => {
    expect(digest(command, name, text)).not.toBe(digest(...parts));
  });
});
