/**
 * Goal: a queue hands out the oldest ready entry, counts reserved, ready and lent ones against its
 * limit, and serves waiters first come, first served.
 * Method: any order of calls against a naive model of lists.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { QueueEntry } from "./entry-list.js";
import { MessageQueue, type Waiter } from "./queue.js";

function body(entry: QueueEntry | undefined): string | undefined {
  return entry?.body.toString();
}

/** The queue as one would write it without a thought for speed: bodies are the numbers. */
class Model {
  reserved = 0;
  ready: number[] = [];
  inFlight: number[] = [];
  waiters: number[] = [];
  /** Waiter and what it got, in order. */
  served: [waiter: number, body: number][] = [];
  next = 0;

  append(): void {
    this.reserved--;
    this.ready.push(this.next++);
    this.serve();
  }

  take(): number | undefined {
    const first = this.ready.shift();
    if (first !== undefined) this.inFlight.push(first);
    return first;
  }

  giveBack(which: number): void {
    this.settle(which);
    this.ready.push(which);
    this.ready.sort((a, b) => a - b);
    this.serve();
  }

  settle(which: number): void {
    this.inFlight = this.inFlight.filter((number) => number !== which);
  }

  serve(): void {
    const waiter = this.waiters[0];
    if (waiter === undefined) return;
    this.waiters.shift();
    this.served.push([waiter, this.take() as number]);
  }
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...["reserve", "reserve", "cancel", "append", "append", "take", "settle", "return", "return"],
      ...["wait", "forget"],
    ),
    which: fc.nat(),
  }),
  { maxLength: 200 },
);

test("any order of calls leaves a queue as it leaves the naive one", () => {
  fc.assert(
    fc.property(steps, (todo) => {
      const queue = new MessageQueue("q");
      const model = new Model();
      const lent = new Map<number, QueueEntry>();
      const waiters = new Map<number, Waiter>();
      const served: [number, number][] = [];
      const lend = (entry: QueueEntry | undefined) => {
        if (entry !== undefined) lent.set(Number(body(entry)), entry);
        return entry;
      };
      const calls: Record<string, (which: number) => void> = {
        reserve: () => {
          queue.reserve();
          model.reserved++;
        },
        cancel: () => {
          if (model.reserved-- > 0) queue.cancelReservation();
          else model.reserved = 0;
        },
        append: () => {
          if (model.reserved === 0) return;
          queue.append(Buffer.from(String(model.next)), 0);
          model.append();
        },
        take: () => {
          const got = body(lend(queue.take()));
          expect(got === undefined ? undefined : Number(got)).toBe(model.take());
        },
        settle: (which) => {
          const number = model.inFlight[which % model.inFlight.length];
          if (number === undefined) return;
          model.settle(number);
          expect(queue.settle(lent.get(number) as QueueEntry)).toBe(true);
          expect(queue.settle(lent.get(number) as QueueEntry)).toBe(false);
        },
        return: (which) => {
          const number = model.inFlight[which % model.inFlight.length];
          if (number === undefined) return;
          model.giveBack(number);
          queue.giveBack(lent.get(number) as QueueEntry);
        },
        wait: (which) => {
          if (model.ready.length > 0 || waiters.has(which)) return;
          const waiter: Waiter = (entry) => {
            served.push([which, Number(body(lend(entry)))]);
          };
          waiters.set(which, waiter);
          model.waiters.push(which);
          queue.wait(waiter);
        },
        forget: (which) => {
          const waiting = model.waiters[which % model.waiters.length];
          if (waiting === undefined) return;
          model.waiters = model.waiters.filter((id) => id !== waiting);
          queue.forget(waiters.get(waiting) as Waiter);
        },
      };
      for (const { what, which } of todo) {
        calls[what]?.(which);
        expect(served).toEqual(model.served);
        expect(queue.readyCount).toBe(model.ready.length);
        expect(queue.inFlightCount).toBe(model.inFlight.length);
        expect(queue.waiterCount).toBe(model.waiters.length);
        const places = model.ready.length + model.inFlight.length + model.reserved;
        expect(queue.placeCount).toBe(places);
        expect(queue.isForgettable).toBe(places === 0 && model.waiters.length === 0);
      }
    }),
    { numRuns: 500 },
  );
});

test("an entry given back twice, or after it was settled, is there once or not at all", () => {
  const queue = new MessageQueue("q");
  for (const text of ["a", "b"]) {
    queue.reserve();
    queue.append(Buffer.from(text), 0);
  }
  const a = queue.take() as QueueEntry;
  queue.giveBack(a);
  queue.giveBack(a);
  expect(queue.readyCount).toBe(2);
  expect(body(queue.take())).toBe("a");
  queue.settle(a);
  queue.giveBack(a);
  expect(body(queue.take())).toBe("b");
  expect(queue.take()).toBeUndefined();
});

test("a waiter that gives back at once leaves the entry to the next waiter", () => {
  const queue = new MessageQueue("q");
  const got: string[] = [];
  queue.wait((entry) => {
    got.push(`first ${body(entry)}`);
    queue.giveBack(entry);
  });
  queue.wait((entry) => got.push(`second ${body(entry)}`));
  queue.reserve();
  queue.append(Buffer.from("m"), 0);
  expect(got).toEqual(["first m", "second m"]);
  expect(queue.inFlightCount).toBe(1);
});

test("a waiter that throws does not keep the next ones from being served", () => {
  const queue = new MessageQueue("q");
  queue.wait(() => {
    throw new Error("bad waiter");
  });
  queue.reserve();
  expect(() => queue.append(Buffer.from("a"), 0)).toThrow("bad waiter");
  const got: (string | undefined)[] = [];
  queue.wait((entry) => got.push(body(entry)));
  queue.reserve();
  queue.append(Buffer.from("b"), 0);
  expect(got).toEqual(["b"]);
});
