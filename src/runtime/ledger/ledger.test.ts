/**
 * Goal: each accepted job gets exactly one result, on every way that its states allow (`job.ts`).
 * Method: the ledger at real queues in memory, with timers and clock of the test. What a restart
 * makes of it stands in `recovery.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openLedger } from "../../../test/helpers/ledger.js";
import { newPush } from "../../../test/helpers/queues.js";
import { failureCause, parseResult } from "../../message/index.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets what was stored without waiting be known to all. */
const turn = () => vi.advanceTimersByTimeAsync(0);

function causeOf(text: string | undefined): string | undefined {
  const result = parseResult(text ?? expect.fail("no result is there"));
  expect(result.status).toBe("failed");
  return failureCause(result);
}

describe("a job and its result", () => {
  test("a job is open until its result is stored, and needs no place from then on", async (t) => {
    const { queues, ledger, accept, answer, fetch } = openLedger(t);
    const id = await accept();
    expect(ledger.getStats()).toMatchObject({ accepted: 1, openJobs: 1, answered: 0 });
    expect(await answer(id, "done")).toBe("stored");
    expect(ledger.getStats()).toMatchObject({ openJobs: 0, answered: 1 });
    expect(queues.size("work")).toBe(0);
    expect(await fetch(id)).toBe("done");
  });

  test("a second result is refused: before the first one's ACK for now, then for good", async (t) => {
    const { queues, ledger, accept, answer } = openLedger(t);
    const id = await accept();
    const first = queues.reserve(newPush(id, "first"));
    expect(await answer(id)).toBe("unavailable");
    if (typeof first === "string") throw new Error(first);
    first.cancel();
    expect(await answer(id)).toBe("stored");
    expect(await answer(id)).toBe("jobOver");
    expect(ledger.getStats()).toMatchObject({ answered: 1, lateResults: 1 });
    expect(queues.size(id)).toBe(1);
  });

  test("a result without room is refused, and the job still open for the next one", async (t) => {
    const { ledger, accept, answer } = openLedger(t, { brokerParams: { maxQueueBytes: 10 } });
    const id = await accept();
    expect(await answer(id, "longer than ten bytes")).toBe("full");
    expect(ledger.getStats().openJobs).toBe(1);
    expect(await answer(id, "short")).toBe("stored");
  });

  test("a job answered by somebody while a consumer holds it ends for both", async (t) => {
    const { queues, accept, answer, take } = openLedger(t);
    const id = await accept();
    const loan = take();
    expect(await answer(id)).toBe("stored");
    expect(loan.settle()).toEqual({ kept: undefined });
    loan.giveBack("lost");
    expect(queues.count()).toMatchObject({ ready: 1, inFlight: 0, queues: 1 });
  });

  test("queues that are no job's take what they are given", async (t) => {
    const { queues, answer, fetch } = openLedger(t);
    expect(await answer("any name", "a")).toBe("stored");
    expect(await answer("any name", "b")).toBe("stored");
    expect([await fetch("any name"), await fetch("any name")]).toEqual(["a", "b"]);
    expect(queues.count().queues).toBe(0);
  });
});

describe("fences", () => {
  test("a result counts only under the lease that holds, where one is named", async (t) => {
    const { ledger, accept, answer, take } = openLedger(t);
    const id = await accept();
    const first = take();
    first.giveBack("lost");
    expect(await answer(id, "late", first.lease.id)).toBe("leaseOver");
    const second = take();
    expect(await answer(id, "late", first.lease.id)).toBe("leaseOver");
    expect(await answer(id, "good", second.lease.id)).toBe("stored");
    expect(await answer(id, "again", second.lease.id)).toBe("jobOver");
    expect(ledger.getStats()).toMatchObject({ answered: 1, lateResults: 3 });
  });
});

describe("losses", () => {
  test("a job that loses its third consumer is a dead letter with a failed result", async (t) => {
    const { queues, ledger, accept, answer, take, fetch } = openLedger(t);
    const id = await accept();
    for (let i = 0; i < 3; i++) {
      expect(queues.size("work")).toBe(1);
      take().giveBack("lost");
    }
    await turn();
    expect(queues.size("work")).toBe(0);
    expect(ledger.getStats()).toMatchObject({ openJobs: 0, givenUp: 1, deadLetters: 1 });
    expect(causeOf(await fetch(id))).toMatch(/^3 consumers were lost while they had it/);
    expect(await answer(id)).toBe("jobOver");
  });

  test("a hand-out that ended in good order does not count", async (t) => {
    const { ledger, accept, take } = openLedger(t, { maxDeliveries: 2 });
    await accept();
    for (let i = 0; i < 20; i++) take().giveBack("released");
    take().giveBack("lost");
    expect(ledger.getStats().givenUp).toBe(0);
    take().giveBack("lost");
    expect(ledger.getStats().givenUp).toBe(1);
  });

  test("a stop of the broker costs no job a delivery", async (t) => {
    const { queues, ledger, accept, take } = openLedger(t, { maxDeliveries: 1 });
    await accept();
    const loan = take();
    queues.isStopping = true;
    loan.giveBack("lost");
    expect(ledger.getStats().givenUp).toBe(0);
    expect(loan.message.entry.deliveries).toBe(0);
  });

  test("a job goes alone on its last chance, and a given back one not any more", async (t) => {
    const { queues, accept, take } = openLedger(t, { maxDeliveries: 2 });
    const ids = [await accept(), await accept(), await accept()];
    for (const loan of [take(), take()]) loan.giveBack("lost");
    const suspect = take();
    expect([suspect.message.entry.id, suspect.message.goesAlone]).toEqual([ids[0], true]);
    const fresh = take();
    expect(fresh.message.entry.id).toBe(ids[2]);
    expect(queues.take("work")).toBeUndefined();
    suspect.giveBack("released");
    expect(take().message.entry.id).toBe(ids[0]);
    expect(queues.take("work")).toBeUndefined();
  });

  test("a queue's other jobs are handed out when a suspect one was answered", async (t) => {
    const { queues, accept, answer, take } = openLedger(t, { maxDeliveries: 2 });
    const ids = [await accept(), await accept()];
    for (const loan of [take(), take()]) loan.giveBack("lost");
    const first = take();
    const got: string[] = [];
    queues.wait("work", (loan) => got.push(loan.message.entry.id));
    await answer(ids[0] as string, "done", first.lease.id);
    expect(got).toEqual([ids[1]]);
  });
});

describe("acknowledged before the result", () => {
  test("on-ack, a job is with its consumer for good, and its result is still awaited", async (t) => {
    const { queues, ledger, accept, answer, take } = openLedger(t);
    const id = await accept("x".repeat(1_000));
    const heldBytes = queues.budget.heldBytes;
    take().settle();
    expect(queues.budget.heldBytes).toBe(heldBytes - 1_000);
    expect(queues.count()).toMatchObject({ ready: 0, inFlight: 0 });
    expect(ledger.getStats().openJobs).toBe(1);
    expect(await answer(id)).toBe("stored");
    expect(ledger.getStats().openJobs).toBe(0);
  });

  const onResult = { queues: { work: { settle: "on-result" } }, resultLeaseMs: 1_000 } as const;

  test("on-result, it stays leased until the result is there", async (t) => {
    const { queues, accept, answer, take } = openLedger(t, onResult);
    const id = await accept();
    expect(take().settle()).toEqual({ kept: undefined });
    expect(queues.count()).toMatchObject({ ready: 0, inFlight: 1 });
    expect(await answer(id)).toBe("stored");
    expect(queues.count()).toMatchObject({ ready: 1, inFlight: 0 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(queues.size("work")).toBe(0);
  });

  test("on-result, it comes back when its time is over, and is given up at last", async (t) => {
    const { queues, ledger, accept, take, fetch } = openLedger(t, onResult);
    const id = await accept();
    for (let i = 1; i <= 3; i++) {
      take().settle();
      await vi.advanceTimersByTimeAsync(999);
      expect(queues.count().inFlight).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(queues.size("work")).toBe(i < 3 ? 1 : 0);
    }
    expect(ledger.getStats()).toMatchObject({ givenUp: 1, deadLetters: 1 });
    expect(causeOf(await fetch(id))).toMatch(/^3 consumers kept it longer than their lease/);
  });

  test("on-result, a result that comes late for its lease is still the job's", async (t) => {
    const { queues, ledger, accept, answer, take } = openLedger(t, onResult);
    const id = await accept();
    take().settle();
    await vi.advanceTimersByTimeAsync(1_000);
    const second = take();
    expect(await answer(id)).toBe("stored");
    expect(second.settle()).toEqual({ kept: undefined });
    expect(queues.size("work")).toBe(0);
    expect(ledger.getStats().openJobs).toBe(0);
  });
});

describe("deadlines", () => {
  test.for(["waits", "is held", "was acknowledged"] as const)(
    "a job that %s too long gets a failed result",
    async (how, t) => {
      const { ledger, accept, answer, take, fetch } = openLedger(t, { jobTimeoutMs: 500 });
      const id = await accept();
      let lost = 0;
      const loan = how === "waits" ? undefined : take();
      if (loan !== undefined) {
        loan.lease.onLost = () => lost++;
      }
      if (how === "was acknowledged") loan?.settle();
      await vi.advanceTimersByTimeAsync(499);
      expect(ledger.getStats().givenUp).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
      expect(ledger.getStats()).toMatchObject({ givenUp: 1, openJobs: 0, deadLetters: 1 });
      if (how === "is held") expect([lost, loan?.settle()]).toEqual([1, undefined]);
      expect(causeOf(await fetch(id))).toBe("no result came within 500 ms (jobTimeoutMs)");
      expect(await answer(id)).toBe("jobOver");
    },
  );

  test("a result between its two responses at the deadline is told that its job is over", async (t) => {
    const { queues, accept, fetch } = openLedger(t, { jobTimeoutMs: 500 });
    const id = await accept();
    const result = queues.reserve(newPush(id, "too late"));
    if (typeof result === "string") throw new Error(result);
    await vi.advanceTimersByTimeAsync(500);
    expect(result.store()).toBe("jobOver");
    expect(causeOf(await fetch(id))).toMatch(/jobTimeoutMs/);
    expect(queues.take(id)?.message.entry.deliveries).toBe(0);
  });

  test("without a limit no job is given up, and an answered one has no deadline", async (t) => {
    const { ledger, accept } = openLedger(t, { jobTimeoutMs: 0 });
    await accept();
    await vi.advanceTimersByTimeAsync(10 ** 10);
    expect(ledger.getStats().givenUp).toBe(0);
    const limited = openLedger(t, { jobTimeoutMs: 500 });
    await limited.answer(await limited.accept());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(limited.ledger.getStats()).toMatchObject({ givenUp: 0, answered: 1 });
  });
});

describe("cancel", () => {
  test("a job that waits is gone from its queue and has a result that says so", async (t) => {
    const { queues, ledger, accept, answer, fetch } = openLedger(t);
    const id = await accept();
    expect(await ledger.cancel(id)).toBe("cancelled");
    expect(queues.size("work")).toBe(0);
    expect(ledger.getStats()).toMatchObject({ cancelled: 1, openJobs: 0, deadLetters: 0 });
    expect(await answer(id)).toBe("jobOver");
    const result = parseResult((await fetch(id)) as string);
    expect(Object.values(result.annotations ?? {})).toContainEqual(
      expect.objectContaining({ task_id: "cancelled" }),
    );
  });

  test("a job that is held is taken away, and its holder hears it once", async (t) => {
    const { queues, ledger, accept, take } = openLedger(t);
    const id = await accept();
    const loan = take();
    let lost = 0;
    loan.lease.onLost = () => lost++;
    await Promise.all([ledger.cancel(id), ledger.cancel(id)]);
    expect(lost).toBe(1);
    expect(loan.settle()).toBeUndefined();
    loan.giveBack("lost");
    expect(queues.count()).toMatchObject({ ready: 1, inFlight: 0 });
  });

  test("a job whose result is between its two responses is cancelled, and the result refused", async (t) => {
    const { queues, ledger, accept } = openLedger(t);
    const id = await accept();
    const result = queues.reserve(newPush(id, "too late"));
    if (typeof result === "string") throw new Error(result);
    expect(await ledger.cancel(id)).toBe("cancelled");
    expect(result.store()).toBe("jobOver");
    expect(queues.size(id)).toBe(1);
  });

  test("says what came before it, and what it does not know", async (t) => {
    const { ledger, accept, answer, fetch } = openLedger(t, { maxRetainedBytes: 0 });
    const id = await accept();
    await ledger.cancel(id);
    expect(await ledger.cancel(id)).toBe("cancelled");
    const done = await accept();
    await answer(done);
    expect(await ledger.cancel(done)).toBe("over");
    await fetch(done);
    expect(await ledger.cancel(done)).toBe("over");
    expect(await ledger.cancel("00000000-0000-4000-8000-000000000000")).toBe("unknown");
    expect(ledger.getStats().cancelled).toBe(1);
  });
});

describe("results that were fetched", () => {
  test("can be fetched again, and stand in no size meanwhile", async (t) => {
    const { queues, ledger, accept, answer, fetch } = openLedger(t);
    const id = await accept();
    await answer(id, "done");
    expect(await fetch(id)).toBe("done");
    expect(queues.size(id)).toBe(0);
    expect(ledger.getStats().retainedResults).toBe(1);
    expect(await fetch(id)).toBe("done");
    expect(await fetch(id)).toBe("done");
  });

  test("go to those who waited while one fetched", async (t) => {
    const { queues, accept, answer, take } = openLedger(t);
    const id = await accept();
    await answer(id, "done");
    const first = take(id);
    const got: string[] = [];
    queues.wait(id, (loan) => got.push(loan.message.entry.queueName));
    expect(got).toEqual([]);
    first.settle();
    expect(got).toEqual([id]);
  });

  test("are expired after their time, and their queue says when", async (t) => {
    vi.setSystemTime(Date.UTC(2026, 0, 2, 3, 4, 5));
    const { queues, ledger, accept, answer, fetch } = openLedger(t, { resultRetentionMs: 1_000 });
    const id = await accept();
    await answer(id, "done");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await fetch(id)).toBe("done");
    await vi.advanceTimersByTimeAsync(999);
    expect(ledger.expiryOf(id)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.expiryOf(id)).toBe("Result expired at 2026-01-02T03:04:11.000Z");
    expect(queues.take(id)).toBeUndefined();
    expect(queues.count().queues).toBe(0);
    expect(queues.budget.heldBytes).toBe(0);
    expect(ledger.getStats()).toMatchObject({ retainedResults: 0, expiredResults: 1 });
  });

  test("are expired for a name that is no job's as little as for one that is open", async (t) => {
    const { ledger, accept } = openLedger(t);
    const id = await accept();
    expect(ledger.expiryOf(id)).toBeUndefined();
    expect(ledger.expiryOf("00000000-0000-4000-8000-000000000000")).toBeUndefined();
    expect(ledger.expiryOf(ledger.newJobId())).toMatch(/^Result expired before /);
  });

  test("wait for their first fetch as long as is said", async (t) => {
    const { ledger, accept, answer } = openLedger(t, { unfetchedRetentionMs: 700 });
    const id = await accept();
    await answer(id);
    await vi.advanceTimersByTimeAsync(699);
    expect(ledger.expiryOf(id)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.expiryOf(id)).toMatch(/^Result expired at /);
  });

  test("that are being fetched when their time is over are kept for their consumer", async (t) => {
    const { accept, answer, take, fetch } = openLedger(t, { resultRetentionMs: 1_000 });
    const id = await accept();
    await answer(id, "done");
    await fetch(id);
    const again = take(id);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(again.settle()).toBeDefined();
    expect(await fetch(id)).toBe("done");
  });

  test("that a consumer gives back after their time do not stay for ever", async (t) => {
    const { ledger, accept, answer, take, fetch } = openLedger(t, { resultRetentionMs: 1_000 });
    const id = await accept();
    await answer(id, "done");
    await fetch(id);
    const again = take(id);
    await vi.advanceTimersByTimeAsync(1_000);
    again.giveBack("lost");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ledger.expiryOf(id)).toMatch(/^Result expired at /);
  });
});
