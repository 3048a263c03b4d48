/**
 * Goal: a queue hands out the oldest message that may be handed out, counts reserved, ready and
 * leased ones and their bytes against its limits, and serves waiters first come, first served.
 * Method: any order of calls against a naive model of lists.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { queuedMessage } from "../../test/helpers/queued-messages.js";
import { MessageQueue, type QueuedMessage, type Waiter } from "./queue.js";

function numberOf(message: QueuedMessage | undefined): number | undefined {
  return message?.entry.sequence;
}

/** The queue as one would write it without a thought for speed. A message has its number as bytes. */
class Model {
  reserved: number[] = [];
  ready: number[] = [];
  leased: number[] = [];
  alone = new Set<number>();
  waiters: number[] = [];
  /** Waiter and what it got, in order. */
  served: [waiter: number, number: number][] = [];
  next = 0;

  add(number: number): void {
    this.ready.push(number);
    this.ready.sort((a, b) => a - b);
    this.serve();
  }

  /** The first, but for those that go alone while one of them is leased. */
  get first(): number | undefined {
    const isTaken = this.leased.some((number) => this.alone.has(number));
    return this.ready.find((number) => !isTaken || !this.alone.has(number));
  }

  take(): number | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    this.ready = this.ready.filter((number) => number !== first);
    this.leased.push(first);
    return first;
  }

  remove(which: number): void {
    this.ready = this.ready.filter((number) => number !== which);
    this.leased = this.leased.filter((number) => number !== which);
    this.serve();
  }

  serve(): void {
    while (this.waiters.length > 0 && this.first !== undefined) {
      this.served.push([this.waiters.shift() as number, this.take() as number]);
    }
  }
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...["reserve", "reserve", "cancel", "append", "append", "take", "settle", "pull"],
      ...["return", "return", "alone", "alone", "wait", "forget"],
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
      const messages = new Map<number, QueuedMessage>();
      const waiters = new Map<number, Waiter>();
      const served: [number, number][] = [];
      const pick = (numbers: readonly number[], which: number) => {
        const number = numbers[which % numbers.length];
        const message = number === undefined ? undefined : messages.get(number);
        return number === undefined || message === undefined ? undefined : { number, message };
      };
      const giveBack = (which: number, goesAlone: boolean) => {
        const picked = pick(model.leased, which);
        if (picked === undefined) return;
        const { number, message } = picked;
        queue.remove(message);
        model.remove(number);
        message.goesAlone = goesAlone;
        if (goesAlone) model.alone.add(number);
        else model.alone.delete(number);
        queue.add(message);
        model.add(number);
      };
      const calls: Record<string, (which: number) => void> = {
        reserve: () => {
          queue.reserve(7);
          model.reserved.push(7);
        },
        cancel: () => {
          if (model.reserved.pop() !== undefined) queue.cancelReservation(7);
        },
        append: () => {
          const number = model.next++;
          const message = queuedMessage(number, { queue, bodyBytes: number });
          messages.set(number, message);
          model.add(number);
          queue.add(message);
        },
        take: () => {
          const message = queue.take();
          expect(numberOf(message)).toBe(model.take());
          if (message !== undefined) expect(message.lease?.id).toMatch(/^[0-9a-f-]{36}$/);
        },
        settle: (which) => {
          const picked = pick(model.leased, which);
          if (picked === undefined) return;
          queue.remove(picked.message);
          model.remove(picked.number);
          queue.remove(picked.message);
        },
        pull: (which) => {
          const picked = pick(model.ready, which);
          if (picked === undefined) return;
          queue.remove(picked.message);
          model.remove(picked.number);
        },
        return: (which) => giveBack(which, false),
        alone: (which) => giveBack(which, true),
        wait: (which) => {
          if (model.first !== undefined || waiters.has(which)) return;
          const waiter: Waiter = (message) => served.push([which, numberOf(message) as number]);
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
        const numbers = [...model.ready, ...model.leased];
        const places = numbers.length + model.reserved.length;
        expect(queue.readyCount).toBe(model.ready.length);
        expect(queue.leasedCount).toBe(model.leased.length);
        expect(queue.waiterCount).toBe(model.waiters.length);
        expect(queue.placeCount).toBe(places);
        expect(queue.bytes).toBe([...numbers, ...model.reserved].reduce((a, b) => a + b, 0));
        expect(queue.isForgettable).toBe(places === 0 && model.waiters.length === 0);
      }
    }),
    { numRuns: 500 },
  );
});

test("a message given back has a new lease with its next hand-out", () => {
  const queue = new MessageQueue("q");
  queue.add(queuedMessage(1, { queue }));
  const message = queue.take() as QueuedMessage;
  const first = message.lease?.id;
  queue.remove(message);
  queue.add(message);
  expect(queue.take()).toBe(message);
  expect(message.lease?.id).not.toBe(first);
});

test("what lies aside keeps its queue, and nothing else of it", () => {
  const queue = new MessageQueue("q");
  queue.asideCount++;
  expect(queue.isForgettable).toBe(false);
  expect(queue).toMatchObject({ placeCount: 0, readyCount: 0, bytes: 0 });
  queue.asideCount--;
  expect(queue.isForgettable).toBe(true);
});

test("a waiter that gives back at once leaves the message to the next waiter", () => {
  const queue = new MessageQueue("q");
  const got: string[] = [];
  queue.wait((message) => {
    got.push(`first ${numberOf(message)}`);
    queue.remove(message);
    queue.add(message);
  });
  queue.wait((message) => got.push(`second ${numberOf(message)}`));
  queue.add(queuedMessage(5, { queue }));
  expect(got).toEqual(["first 5", "second 5"]);
  expect(queue.leasedCount).toBe(1);
});

test("a waiter that throws does not keep the next ones from being served", () => {
  const queue = new MessageQueue("q");
  queue.wait(() => {
    throw new Error("bad waiter");
  });
  expect(() => queue.add(queuedMessage(1, { queue }))).toThrow("bad waiter");
  const got: (number | undefined)[] = [];
  queue.wait((message) => got.push(numberOf(message)));
  queue.add(queuedMessage(2, { queue }));
  expect(got).toEqual([2]);
});

describe("messages that go alone", () => {
  function queueOf(...alone: boolean[]): MessageQueue {
    const queue = new MessageQueue("q");
    alone.forEach((goesAlone, number) => {
      queue.add(Object.assign(queuedMessage(number, { queue }), { goesAlone }));
    });
    return queue;
  }

  test("are leased one at a time, and later fresh ones pass them", () => {
    const queue = queueOf(true, true, false, true, false);
    const first = queue.take() as QueuedMessage;
    expect([first, queue.take(), queue.take()].map(numberOf)).toEqual([0, 2, 4]);
    expect(queue.take()).toBeUndefined();
    expect(queue.readyCount).toBe(2);
    queue.remove(first);
    expect(numberOf(queue.take())).toBe(1);
    expect(queue.take()).toBeUndefined();
  });

  test("stand in the line at their own place while none is leased", () => {
    const queue = queueOf(false, true, false);
    expect([1, 2, 3].map(() => numberOf(queue.take()))).toEqual([0, 1, 2]);
  });

  test("come to the consumers that wait when the leased one has ended", () => {
    const queue = queueOf(true, true, true);
    const first = queue.take() as QueuedMessage;
    const got: (number | undefined)[] = [];
    for (let i = 0; i < 2; i++) queue.wait((message) => got.push(numberOf(message)));
    expect(got).toEqual([]);
    queue.remove(first);
    expect(got).toEqual([1]);
    expect(queue.waiterCount).toBe(1);
  });

  test("end for good, or come back, without keeping the others from being handed out", () => {
    const queue = queueOf(true, true);
    const first = queue.take() as QueuedMessage;
    queue.remove(first);
    queue.add(first);
    const again = queue.take() as QueuedMessage;
    expect(again).toBe(first);
    queue.remove(again);
    expect(numberOf(queue.take())).toBe(1);
    expect(queue.readyCount).toBe(0);
  });
});
