/**
 * Goal: messages come out in the order of their numbers, whatever was given back or taken out
 * meanwhile.
 * Method: any order of adding, taking, putting back and removing, against a list that is sorted
 * each time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { queuedMessage } from "../../test/helpers/queued-messages.js";
import { MessageList } from "./message-list.js";
import type { QueuedMessage } from "./queue.js";

/** What to do, and with which of the messages. */
const steps = fc.array(
  fc.record({
    what: fc.constantFrom("add", "add", "take", "take", "return", "remove"),
    which: fc.nat(),
  }),
  { maxLength: 300 },
);

test("messages come in the order of their numbers, as from a list sorted each time", () => {
  fc.assert(
    fc.property(steps, (todo) => {
      const list = new MessageList<QueuedMessage>();
      const model: QueuedMessage[] = [];
      const taken: QueuedMessage[] = [];
      let next = 0;
      const add = (message: QueuedMessage) => {
        list.add(message);
        model.push(message);
        model.sort((a, b) => a.entry.sequence - b.entry.sequence);
      };
      for (const { what, which } of todo) {
        if (what === "add") add(queuedMessage(next++));
        else if (what === "take") {
          const got = list.takeFirst();
          expect(got).toBe(model.shift());
          if (got !== undefined) taken.push(got);
        } else if (what === "return") {
          for (const back of taken.splice(which % (taken.length + 1), 1)) add(back);
        } else {
          for (const gone of model.splice(which % (model.length + 1), 1)) list.remove(gone);
        }
        expect(list.first).toBe(model[0]);
        expect(list.length).toBe(model.length);
      }
      while (model.length > 0) expect(list.takeFirst()).toBe(model.shift());
      expect(list.takeFirst()).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("a message that came out may come back below all that are in the list", () => {
  const list = new MessageList<QueuedMessage>();
  for (const number of [3, 1, 2]) list.add(queuedMessage(number));
  expect([1, 2, 3].map(() => list.takeFirst()?.entry.sequence)).toEqual([1, 2, 3]);
});

test("a long list that is emptied and filled again keeps its order and frees its front", () => {
  const list = new MessageList<QueuedMessage>();
  let added = 0;
  let taken = 0;
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 5_000; i++) list.add(queuedMessage(added++));
    for (let i = 0; i < 4_500; i++) expect(list.takeFirst()?.entry.sequence).toBe(taken++);
    expect(list.length).toBe(added - taken);
  }
  while (taken < added) expect(list.takeFirst()?.entry.sequence).toBe(taken++);
  expect(list.takeFirst()).toBeUndefined();
  expect(list.length).toBe(0);
});
