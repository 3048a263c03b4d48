/**
 * Goal: limits hold with reserved places, queues that hold nothing are forgotten, and every byte that
 * was counted is given back in the end.
 * Method: the exact limits, and any order of calls after which everything is settled.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { newPush, openQueues } from "../../test/helpers/queues.js";
import type { Loan, Queues, Reservation } from "./queues.js";

const MiB = 1024 * 1024;

function reserved(queues: Queues, name: string, body: string | Buffer): Reservation {
  const reservation = queues.reserve(newPush(name, body));
  return typeof reservation === "string" ? expect.fail(reservation) : reservation;
}

function taken(queues: Queues, name: string): Loan {
  return queues.take(name) ?? expect.fail("nothing is ready");
}

test("a queue takes as many as its limit, counting places kept and messages handed out", () => {
  const queues = openQueues({ brokerParams: { maxQueueSize: 3 } });
  const kept = reserved(queues, "q", "a");
  reserved(queues, "q", "b").store();
  reserved(queues, "q", "c").store();
  expect(queues.reserve(newPush("q", "d"))).toBe("full");
  reserved(queues, "other", "d");
  const b = taken(queues, "q");
  expect(queues.reserve(newPush("q", "d"))).toBe("full");
  b.settle();
  const d = reserved(queues, "q", "d");
  expect(queues.reserve(newPush("q", "e"))).toBe("full");
  d.cancel();
  kept.store();
  reserved(queues, "q", "e").store();
  expect([1, 2, 3].map(() => String(taken(queues, "q").body()))).toEqual(["c", "a", "e"]);
});

test.for([0, -1])("a limit of %d is none", (maxQueueSize) => {
  const queues = openQueues({ brokerParams: { maxQueueSize } });
  for (let i = 0; i < 20_000; i++) reserved(queues, "q", "x").store();
  expect(queues.size("q")).toBe(20_000);
});

test("memory that is used up refuses, leaves no queue behind, and heals", () => {
  const queues = openQueues({ maxHeldBytes: MiB });
  const big = Buffer.alloc(600_000);
  reserved(queues, "q", big).store();
  expect(queues.reserve(newPush("other", big))).toBe("full");
  expect(queues.count()).toMatchObject({ queues: 1, ready: 1 });
  taken(queues, "q").settle();
  expect(queues.budget.heldBytes).toBe(0);
  reserved(queues, "other", big);
});

test("bytes that the caller holds already are not counted twice, and are freed by a refusal", () => {
  const queues = openQueues({ maxHeldBytes: MiB, brokerParams: { maxQueueSize: 1 } });
  const body = Buffer.alloc(600_000);
  expect(queues.budget.tryTake(700_000)).toBe(true);
  const reservation = queues.reserve(newPush("q", body, { heldBytes: 700_000 }));
  expect(queues.budget.heldBytes).toBeGreaterThanOrEqual(700_000);
  expect(queues.budget.heldBytes).toBeLessThan(702_000);
  expect(queues.budget.tryTake(300_000)).toBe(true);
  expect(queues.reserve(newPush("q", body, { heldBytes: 300_000 }))).toBe("full");
  expect(queues.budget.heldBytes).toBeLessThan(702_000);
  if (typeof reservation !== "string") reservation.cancel();
  expect(queues.budget.heldBytes).toBe(0);
  expect(queues.count().queues).toBe(0);
});

test("asking for a size or polling leaves no queue", () => {
  const queues = openQueues({});
  for (let i = 0; i < 1_000; i++) {
    expect(queues.size(`size ${i}`)).toBe(0);
    expect(queues.take(`poll ${i}`)).toBeUndefined();
    queues.wait(`wait ${i}`, () => {})?.();
  }
  expect(queues.count()).toEqual({ queues: 0, ready: 0, inFlight: 0, waiters: 0 });
});

test("a queue exists while it is watched, and is forgotten with its last waiter", () => {
  const queues = openQueues({ maxWaitersPerQueue: 2 });
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
  const queues = openQueues({ maxWaitersPerQueue: 0 });
  expect(queues.wait("q", () => {})).toBeUndefined();
  expect(queues.count().queues).toBe(0);
});

test("a queue of the same name made after it was forgotten is not mixed up with the old one", () => {
  const queues = openQueues({});
  reserved(queues, "q", "old").store();
  const old = taken(queues, "q");
  old.settle();
  reserved(queues, "q", "new").store();
  old.settle();
  old.giveBack("lost");
  expect(queues.count()).toMatchObject({ queues: 1, ready: 1, inFlight: 0 });
  expect(String(taken(queues, "q").body())).toBe("new");
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
      const queues = openQueues({ brokerParams: { maxQueueSize: 4 }, maxHeldBytes: MiB });
      const kept: Reservation[] = [];
      const loans: Loan[] = [];
      const waits: (() => void)[] = [];
      const pick = <T>(list: T[], which: number): T | undefined =>
        list.length === 0 ? undefined : list.splice(which % list.length, 1)[0];
      for (const { what, name, which } of steps) {
        if (what === "reserve") {
          const reservation = queues.reserve(newPush(name, Buffer.alloc(which % 100_000)));
          if (typeof reservation !== "string") kept.push(reservation);
        } else if (what === "store") pick(kept, which)?.store();
        else if (what === "cancel") pick(kept, which)?.cancel();
        else if (what === "take") {
          const loan = queues.take(name);
          if (loan !== undefined) loans.push(loan);
        } else if (what === "settle") pick(loans, which)?.settle();
        else if (what === "giveBack") pick(loans, which)?.giveBack("lost");
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
  const queues = openQueues({});
  const chunk = Buffer.alloc(64 * 1024, "x");
  reserved(queues, "q", chunk.subarray(10, 20)).store();
  chunk.fill("y");
  const body = taken(queues, "q").body() as Buffer;
  expect(body.toString()).toBe("x".repeat(10));
  expect(body.buffer.byteLength).toBe(10);
});

test("queues of endless names are bounded by the memory too", () => {
  const queues = openQueues({ maxHeldBytes: MiB });
  let count = 0;
  while (queues.reserve(newPush(`queue ${count}`, "x")) !== "full") count++;
  expect(count).toBeGreaterThan(500);
  expect(count).toBeLessThan(MiB / 1_024);
  expect(queues.budget.heldBytes).toBeLessThanOrEqual(MiB);
  // Pushes leave a tenth to results; who waits may use it.
  while (queues.wait(`wait ${count}`, () => {}) !== undefined) count++;
  expect(count).toBeLessThan(MiB / 1_024);
  expect(queues.budget.heldBytes).toBeLessThanOrEqual(MiB);
});

test("a queue takes as many bytes as its limit, counting places kept and messages handed out", () => {
  const queues = openQueues({ brokerParams: { maxQueueBytes: 100 } });
  const kept = reserved(queues, "q", Buffer.alloc(40));
  reserved(queues, "q", Buffer.alloc(60)).store();
  expect(queues.reserve(newPush("q", "x"))).toBe("full");
  reserved(queues, "other", Buffer.alloc(100)).cancel();
  expect(queues.reserve(newPush("other", Buffer.alloc(101)))).toBe("full");
  const loan = taken(queues, "q");
  expect(queues.reserve(newPush("q", "x"))).toBe("full");
  loan.giveBack("lost");
  expect(queues.reserve(newPush("q", "x"))).toBe("full");
  kept.cancel();
  reserved(queues, "q", Buffer.alloc(40)).cancel();
  expect(queues.reserve(newPush("q", Buffer.alloc(41)))).toBe("full");
  taken(queues, "q").settle();
  reserved(queues, "q", Buffer.alloc(100));
});

test("a loan that was settled or given back does nothing more", () => {
  const queues = openQueues({});
  for (const text of ["a", "b"]) reserved(queues, "q", text).store();
  const first = taken(queues, "q");
  first.giveBack("released");
  first.giveBack("lost");
  expect(first.settle()).toBeUndefined();
  expect(queues.size("q")).toBe(2);
  const again = taken(queues, "q");
  expect(String(again.body())).toBe("a");
  // The old loan of a message that is out again.
  expect(first.settle()).toBeUndefined();
  first.giveBack("expired");
  expect(queues.count()).toMatchObject({ ready: 1, inFlight: 1 });
  expect(again.settle()).toEqual({ kept: undefined });
  again.giveBack("lost");
  expect(queues.count()).toMatchObject({ ready: 1, inFlight: 0 });
});

test("a queue tells how many wait, how many are out, and how long its oldest waits", () => {
  let nowMs = 1_000;
  const queues = openQueues({}, () => nowMs);
  const empty = { ready: 0, inFlight: 0, oldestAgeMs: undefined };
  expect(queues.stats("q")).toEqual(empty);
  reserved(queues, "q", "a").store();
  nowMs = 1_500;
  reserved(queues, "q", "b").store();
  nowMs = 2_000;
  expect(queues.stats("q")).toEqual({ ready: 2, inFlight: 0, oldestAgeMs: 1_000 });
  const first = taken(queues, "q");
  expect(queues.stats("q")).toEqual({ ready: 1, inFlight: 1, oldestAgeMs: 500 });
  const second = taken(queues, "q");
  expect(queues.stats("q")).toEqual({ ready: 0, inFlight: 2, oldestAgeMs: undefined });
  // One that comes back has waited since it came first; a clock set back makes nobody younger than 0.
  first.giveBack("lost");
  expect(queues.stats("q").oldestAgeMs).toBe(1_000);
  nowMs = 10;
  expect(queues.stats("q").oldestAgeMs).toBe(0);
  taken(queues, "q").settle();
  second.settle();
  expect(queues.stats("q")).toEqual(empty);
  expect(queues.count().queues).toBe(0);
});
