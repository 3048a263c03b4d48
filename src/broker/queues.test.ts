/**
 * Goal: limits hold with reserved places, queues that hold nothing are forgotten, and every byte that
 * was counted is given back in the end.
 * Method: the exact limits, and any order of calls after which everything is settled.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseOptions } from "../core/index.js";
import { SimpleMessageBrokerOptions } from "./options.js";
import { type Loan, Queues, type Reservation } from "./queues.js";

const MiB = 1024 * 1024;

function makeQueues(options: SimpleMessageBrokerOptions): Queues {
  return new Queues(parseOptions(SimpleMessageBrokerOptions, options, "test"));
}

function reserved(queues: Queues, name: string, text: string): Reservation {
  const reservation = queues.reserve(name, Buffer.from(text), 0);
  return reservation ?? expect.fail("the queue is full");
}

function taken(queues: Queues, name: string): Loan {
  return queues.take(name) ?? expect.fail("nothing is ready");
}

test("a queue takes as many as its limit, counting places kept and messages handed out", () => {
  const queues = makeQueues({ brokerParams: { maxQueueSize: 3 } });
  const kept = reserved(queues, "q", "a");
  reserved(queues, "q", "b").store();
  reserved(queues, "q", "c").store();
  expect(queues.reserve("q", Buffer.from("d"), 0)).toBeUndefined();
  expect(queues.reserve("other", Buffer.from("d"), 0)).toBeDefined();
  const b = taken(queues, "q");
  expect(queues.reserve("q", Buffer.from("d"), 0)).toBeUndefined();
  b.settle();
  const d = reserved(queues, "q", "d");
  expect(queues.reserve("q", Buffer.from("e"), 0)).toBeUndefined();
  d.cancel();
  kept.store();
  reserved(queues, "q", "e").store();
  expect(["c", "a", "e"]).toEqual([1, 2, 3].map(() => taken(queues, "q").body.toString()));
});

test.for([0, -1])("a limit of %d is none", (maxQueueSize) => {
  const queues = makeQueues({ brokerParams: { maxQueueSize } });
  for (let i = 0; i < 20_000; i++) reserved(queues, "q", "x").store();
  expect(queues.size("q")).toBe(20_000);
});

test("memory that is used up refuses, leaves no queue behind, and heals", () => {
  const queues = makeQueues({ maxHeldBytes: MiB });
  const big = Buffer.alloc(600_000);
  queues.reserve("q", big, 0)?.store();
  expect(queues.reserve("other", big, 0)).toBeUndefined();
  expect(queues.count()).toMatchObject({ queues: 1, ready: 1 });
  taken(queues, "q").settle();
  expect(queues.budget.heldBytes).toBe(0);
  expect(queues.reserve("other", big, 0)).toBeDefined();
});

test("bytes that the caller holds already are not counted twice, and are freed by a refusal", () => {
  const queues = makeQueues({ maxHeldBytes: MiB, brokerParams: { maxQueueSize: 1 } });
  const body = Buffer.alloc(600_000);
  expect(queues.budget.tryTake(700_000)).toBe(true);
  const reservation = queues.reserve("q", body, 700_000);
  expect(queues.budget.heldBytes).toBeGreaterThanOrEqual(700_000);
  expect(queues.budget.heldBytes).toBeLessThan(702_000);
  expect(queues.budget.tryTake(300_000)).toBe(true);
  expect(queues.reserve("q", body, 300_000)).toBeUndefined();
  expect(queues.budget.heldBytes).toBeLessThan(702_000);
  reservation?.cancel();
  expect(queues.budget.heldBytes).toBe(0);
  expect(queues.count().queues).toBe(0);
});

test("asking for a size or polling leaves no queue", () => {
  const queues = makeQueues({});
  for (let i = 0; i < 1_000; i++) {
    expect(queues.size(`size ${i}`)).toBe(0);
    expect(queues.take(`poll ${i}`)).toBeUndefined();
    queues.wait(`wait ${i}`, () => {})?.();
  }
  expect(queues.count()).toEqual({ queues: 0, ready: 0, inFlight: 0, waiters: 0 });
});

test("a queue exists while it is watched, and is forgotten with its last waiter", () => {
  const queues = makeQueues({ maxWaitersPerQueue: 2 });
  const first = queues.wait("q", () => {});
  const second = queues.wait("q", () => {});
  expect(queues.wait("q", () => {})).toBeUndefined();
  expect(queues.count()).toMatchObject({ queues: 1, waiters: 2 });
  first?.();
  first?.();
  expect(queues.count()).toMatchObject({ queues: 1, waiters: 1 });
  second?.();
  expect(queues.count()).toMatchObject({ queues: 0, waiters: 0 });
});

test("no waiters at all may be allowed", () => {
  const queues = makeQueues({ maxWaitersPerQueue: 0 });
  expect(queues.wait("q", () => {})).toBeUndefined();
  expect(queues.count().queues).toBe(0);
});

test("a queue of the same name made after it was forgotten is not mixed up with the old one", () => {
  const queues = makeQueues({});
  reserved(queues, "q", "old").store();
  const old = taken(queues, "q");
  old.settle();
  reserved(queues, "q", "new").store();
  old.settle();
  old.giveBack();
  expect(queues.count()).toMatchObject({ queues: 1, ready: 1, inFlight: 0 });
  expect(taken(queues, "q").body.toString()).toBe("new");
});

test("after any order of calls, when all is settled no queue and no byte is left", () => {
  const step = fc.record({
    what: fc.constantFrom(
      "reserve",
      "store",
      "cancel",
      "take",
      "settle",
      "giveBack",
      "wait",
      "stop",
    ),
    name: fc.constantFrom("a", "b", "c"),
    which: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const queues = makeQueues({ brokerParams: { maxQueueSize: 4 }, maxHeldBytes: MiB });
      const kept: Reservation[] = [];
      const loans: Loan[] = [];
      const waits: (() => void)[] = [];
      const pick = <T>(list: T[], which: number): T | undefined =>
        list.length === 0 ? undefined : list.splice(which % list.length, 1)[0];
      for (const { what, name, which } of steps) {
        if (what === "reserve") {
          const reservation = queues.reserve(name, Buffer.alloc(which % 100_000), 0);
          if (reservation !== undefined) kept.push(reservation);
        } else if (what === "store") pick(kept, which)?.store();
        else if (what === "cancel") pick(kept, which)?.cancel();
        else if (what === "take") {
          const loan = queues.take(name);
          if (loan !== undefined) loans.push(loan);
        } else if (what === "settle") pick(loans, which)?.settle();
        else if (what === "giveBack") pick(loans, which)?.giveBack();
        else if (what === "wait" && queues.size(name) === 0) {
          const cancel = queues.wait(name, (loan) => loans.push(loan));
          if (cancel !== undefined) waits.push(cancel);
        } else if (what === "stop") pick(waits, which)?.();
      }
      for (const reservation of kept) reservation.cancel();
      for (const cancel of waits) cancel();
      for (const loan of loans) loan.settle();
      for (const name of ["a", "b", "c"]) {
        for (let loan = queues.take(name); loan !== undefined; loan = queues.take(name))
          loan.settle();
      }
      expect(queues.count()).toEqual({ queues: 0, ready: 0, inFlight: 0, waiters: 0 });
      expect(queues.budget.heldBytes).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test("a stored message keeps nothing alive but its own bytes", () => {
  const queues = makeQueues({});
  const chunk = Buffer.alloc(64 * 1024, "x");
  const reservation = queues.reserve("q", chunk.subarray(10, 20), 0) ?? expect.fail("full");
  reservation.store();
  chunk.fill("y");
  const { body } = taken(queues, "q");
  expect(body.toString()).toBe("x".repeat(10));
  expect(body.buffer.byteLength).toBe(10);
});

test("queues of endless names are bounded by the memory too", () => {
  const queues = makeQueues({ maxHeldBytes: MiB });
  let count = 0;
  while (queues.reserve(`queue ${count}`, Buffer.from("x"), 0) !== undefined) count++;
  expect(count).toBeGreaterThan(500);
  expect(count).toBeLessThan(MiB / 1_024);
  expect(queues.wait("another", () => {})).toBeUndefined();
  expect(queues.budget.heldBytes).toBeLessThanOrEqual(MiB);
});
