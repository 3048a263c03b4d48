/**
 * Goal: entries come out in the order of their numbers, whatever was given back meanwhile.
 * Method: any order of adding, taking and putting back, against a list that is sorted each time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EntryList, type QueueEntry } from "./entry-list.js";

const BODY = Buffer.from("b");

function entry(number: number): QueueEntry {
  return { number, body: BODY, heldBytes: 1 };
}

/** What to do, and with which of the taken entries. */
const steps = fc.array(
  fc.record({ what: fc.constantFrom("add", "add", "take", "take", "return"), which: fc.nat() }),
  { maxLength: 300 },
);

test("entries come in the order of their numbers, as from a list sorted each time", () => {
  fc.assert(
    fc.property(steps, (todo) => {
      const list = new EntryList();
      const model: number[] = [];
      const taken: QueueEntry[] = [];
      let next = 0;
      for (const { what, which } of todo) {
        if (what === "add") {
          list.append(entry(next));
          model.push(next++);
        } else if (what === "take") {
          const got = list.takeFirst();
          expect(got?.number).toBe(model.shift());
          if (got !== undefined) taken.push(got);
        } else if (taken.length > 0) {
          const [back] = taken.splice(which % taken.length, 1) as [QueueEntry];
          list.putBack(back);
          model.push(back.number);
          model.sort((a, b) => a - b);
        }
        expect(list.length).toBe(model.length);
      }
    }),
    { numRuns: 300 },
  );
});

test("a long list that is emptied and filled again keeps its order and frees its front", () => {
  const list = new EntryList();
  let added = 0;
  let taken = 0;
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 5_000; i++) list.append(entry(added++));
    for (let i = 0; i < 4_500; i++) expect(list.takeFirst()?.number).toBe(taken++);
    expect(list.length).toBe(added - taken);
  }
  while (taken < added) expect(list.takeFirst()?.number).toBe(taken++);
  expect(list.takeFirst()).toBeUndefined();
  expect(list.length).toBe(0);
});
