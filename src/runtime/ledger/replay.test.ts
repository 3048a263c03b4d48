/**
 * Goal: a dead letter can be shown, replayed under its old id, and dropped; there are never more than
 * is said. Method: the ledger at real queues in memory, with timers and clock of the test.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type OpenedLedger, openLedger } from "../../../test/helpers/ledger.js";
import { parseResult } from "../../message/index.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A job that was given up at its first loss, and answered so. */
async function deadJob({ accept, take }: OpenedLedger, text?: string): Promise<string> {
  const id = await accept(text);
  take().giveBack("lost");
  await vi.advanceTimersByTimeAsync(0);
  return id;
}

const SINGLE = { maxDeliveries: 1 };
const list = { action: "list" } as const;

test("a dead letter is listed, and shown with its text", async (t) => {
  const opened = openLedger(t, SINGLE);
  const { ledger, accept } = opened;
  const id = await deadJob(opened, "the text");
  await accept();
  const { letters, count } = await ledger.dead(list);
  expect(letters).toMatchObject([{ job_id: id, queue_name: "work", cause: "deliveries" }]);
  expect([count, letters[0]?.deliveries]).toEqual([1, 1]);
  const shown = await ledger.dead({ action: "show", jobId: id });
  expect(shown.letters).toEqual([{ ...letters[0], message: "the text" }]);
});

test("a replayed job is the same job, and its failed result is taken back", async (t) => {
  const opened = openLedger(t, SINGLE);
  const { queues, ledger, answer, fetch, take } = opened;
  const id = await deadJob(opened, "the text");
  expect(queues.size(id)).toBe(1);
  expect(await ledger.dead({ action: "replay", jobId: id })).toEqual({ letters: [], count: 1 });
  expect([queues.size(id), queues.size("work")]).toEqual([0, 1]);
  expect(ledger.getStats()).toMatchObject({ openJobs: 1, deadLetters: 0, replayed: 1 });
  const loan = take();
  expect(loan.message.entry).toMatchObject({ id, deliveries: 1, givenUp: undefined });
  expect(String(await loan.body())).toBe("the text");
  expect(await answer(id, "done", loan.lease.id)).toBe("stored");
  expect(await fetch(id)).toBe("done");
  expect(queues.count()).toMatchObject({ ready: 0, inFlight: 0 });
});

test("a replayed job can die again, be cancelled and run out of its time", async (t) => {
  const opened = openLedger(t, { ...SINGLE, jobTimeoutMs: 500 });
  const { ledger, take, fetch } = opened;
  const id = await deadJob(opened);
  await vi.advanceTimersByTimeAsync(10_000);
  await ledger.dead({ action: "replay", jobId: id });
  take().giveBack("lost");
  await vi.advanceTimersByTimeAsync(0);
  expect(ledger.getStats()).toMatchObject({ givenUp: 2, deadLetters: 1, openJobs: 0 });
  await ledger.dead({ action: "replay" });
  await vi.advanceTimersByTimeAsync(499);
  expect(ledger.getStats().givenUp).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect((await ledger.dead(list)).letters).toMatchObject([{ job_id: id, cause: "deadline" }]);
  await ledger.dead({ action: "replay" });
  expect(await ledger.cancel(id)).toBe("cancelled");
  expect(ledger.getStats()).toMatchObject({ deadLetters: 0, openJobs: 0 });
  expect(parseResult((await fetch(id)) as string).status).toBe("failed");
});

test("a replay is possible after the failed result was fetched, and after it is kept no more", async (t) => {
  const opened = openLedger(t, { ...SINGLE, resultRetentionMs: 100 });
  const { ledger, queues, answer, fetch, take } = opened;
  const id = await deadJob(opened);
  expect(await fetch(id)).toMatch(/failed/);
  await vi.advanceTimersByTimeAsync(100);
  expect((await ledger.dead({ action: "replay", jobId: id })).count).toBe(1);
  expect(ledger.expiryOf(id)).toBeUndefined();
  take().settle();
  expect(await answer(id, "done")).toBe("stored");
  expect(await fetch(id)).toBe("done");
  await vi.advanceTimersByTimeAsync(100);
  expect(queues.count().queues).toBe(0);
  expect(queues.budget.heldBytes).toBe(0);
});

test("whose failed result is kept no more is told so, while its letter is still there", async (t) => {
  const opened = openLedger(t, { ...SINGLE, resultRetentionMs: 100 });
  const { ledger, queues, fetch } = opened;
  const id = await deadJob(opened);
  await fetch(id);
  await vi.advanceTimersByTimeAsync(100);
  expect(queues.take(id)).toBeUndefined();
  expect(ledger.getStats().deadLetters).toBe(1);
  expect(ledger.expiryOf(id)).toMatch(/^Result expired at /);
});

test("a dropped letter is gone, and its failed result still to be fetched", async (t) => {
  const opened = openLedger(t, SINGLE);
  const { ledger, queues, fetch } = opened;
  const ids = [await deadJob(opened), await deadJob(opened)];
  expect((await ledger.dead({ action: "drop", jobId: ids[0] as string })).count).toBe(1);
  expect((await ledger.dead({ action: "drop", jobId: ids[0] as string })).count).toBe(0);
  expect((await ledger.dead({ action: "replay", jobId: ids[0] as string })).count).toBe(0);
  expect((await ledger.dead({ action: "drop" })).count).toBe(1);
  expect(ledger.getStats().deadLetters).toBe(0);
  expect(queues.size("work")).toBe(0);
  for (const id of ids) expect(await fetch(id)).toMatch(/failed/);
});

test("a job that is no dead letter is neither shown nor replayed nor dropped", async (t) => {
  const { ledger, accept, queues } = openLedger(t);
  const jobId = await accept();
  for (const action of ["show", "replay", "drop"] as const) {
    expect(await ledger.dead({ action, jobId })).toEqual({ letters: [], count: 0 });
  }
  expect(queues.size("work")).toBe(1);
});

test("a job whose text is lost in memory after its acknowledgement cannot be replayed", async (t) => {
  const { ledger, accept, take } = openLedger(t, { jobTimeoutMs: 500 });
  const jobId = await accept();
  take().settle();
  await vi.advanceTimersByTimeAsync(500);
  const { letters } = await ledger.dead({ action: "show", jobId });
  expect(letters).toHaveLength(1);
  expect(letters[0]).not.toHaveProperty("message");
  expect((await ledger.dead({ action: "replay", jobId })).count).toBe(0);
  expect((await ledger.dead({ action: "drop", jobId })).count).toBe(1);
});

test.for([0, 1, 2])("of %i dead letters at most, the latest are kept", async (max, t) => {
  const opened = openLedger(t, { ...SINGLE, maxDeadLetters: max });
  const { ledger, accept, take, fetch } = opened;
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push(await accept());
  // All in the same moment: none is answered when the next one dies.
  for (const loan of [take(), take(), take(), take()]) loan.giveBack("lost");
  await vi.advanceTimersByTimeAsync(0);
  const { letters } = await ledger.dead(list);
  expect(letters.map(({ job_id }) => job_id)).toEqual(ids.slice(4 - max));
  for (const id of ids) expect(await fetch(id)).toMatch(/failed/);
});
