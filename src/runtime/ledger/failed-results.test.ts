/**
 * Goal: a job whose consumer gives a failed result is answered with it once, and kept as a dead letter
 * that can be done again; others are not kept. Method: the ledger at real queues in memory.
 */
import { expect, test } from "vitest";
import { type OpenedLedger, openLedger } from "../../../test/helpers/ledger.js";
import type { SimpleMessageBrokerOptions } from "../index.js";

const list = { action: "list" } as const;

/** A job that its consumer answered as failed, and acknowledged; its id. */
async function failedJob(opened: OpenedLedger, text?: string, reason = "no page"): Promise<string> {
  const id = await opened.accept(text);
  const loan = opened.take();
  expect(await opened.answer(id, "failed", loan.lease.id, reason)).toBe("stored");
  expect(loan.settle()).toEqual({ kept: undefined });
  return id;
}

async function idsOfLetters({ ledger }: OpenedLedger): Promise<string[]> {
  return (await ledger.dead(list)).letters.map(({ job_id }) => job_id);
}

test("its client has the one result, and the job is kept with the reason", async (t) => {
  const opened = openLedger(t);
  const { ledger, queues, answer, fetch } = opened;
  const id = await failedJob(opened, "the text");
  expect(ledger.getStats()).toMatchObject({
    ...{ openJobs: 0, answered: 1, failed: 1, givenUp: 0, deadLetters: 1 },
  });
  const { letters } = await ledger.dead({ action: "show", jobId: id });
  expect(letters).toMatchObject([
    { job_id: id, cause: "failed", reason: "no page", deliveries: 1, message: "the text" },
  ]);
  expect([queues.size("work"), queues.size(id)]).toEqual([0, 1]);
  expect(await answer(id)).toBe("jobOver");
  expect(await fetch(id)).toBe("failed");
  expect(queues.count()).toMatchObject({ ready: 0, inFlight: 0 });
  expect(await ledger.cancel(id)).toBe("over");
});

test("a result that does not say so leaves no letter", async (t) => {
  const { ledger, accept, answer, take } = openLedger(t);
  const id = await accept();
  await answer(id, '{"status":"failed"}', take().lease.id);
  expect(ledger.getStats()).toMatchObject({ answered: 1, failed: 0, deadLetters: 0 });
});

test("what is no job's result keeps no reason", async (t) => {
  const { ledger, store, answer, queues } = openLedger(t);
  expect(await answer("a queue", "text", "a lease", "why")).toBe("stored");
  expect(queues.take("a queue")?.message.entry.failed).toBeUndefined();
  expect(ledger.getStats()).toMatchObject({ answered: 0, failed: 0, deadLetters: 0 });
  expect(store.getStats().liveBytes).toBe(4);
});

test("it is done again, and its failed result is taken back, fetched or not", async (t) => {
  const opened = openLedger(t);
  const { ledger, queues, answer, fetch, take } = opened;
  const ids = [await failedJob(opened, "first"), await failedJob(opened, "second")];
  const [first, second] = ids as [string, string];
  expect(await fetch(first)).toBe("failed");
  expect((await ledger.dead({ action: "replay" })).count).toBe(2);
  expect([queues.size(first), queues.size(second)]).toEqual([0, 0]);
  expect(await fetch(first)).toBeUndefined();
  for (const text of ["first", "second"]) {
    const loan = take();
    const { id, deliveries, givenUp } = loan.message.entry;
    expect([String(await loan.body()), deliveries, givenUp]).toEqual([text, 1, undefined]);
    expect(await answer(id, `${text} done`, loan.lease.id)).toBe("stored");
    expect(loan.settle()).toEqual({ kept: undefined });
    expect(await fetch(id)).toBe(`${text} done`);
  }
  expect(ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 0, replayed: 2 });
});

test("it can fail again, and is one letter", async (t) => {
  const opened = openLedger(t);
  const { ledger, answer, fetch, take } = opened;
  const id = await failedJob(opened);
  await ledger.dead({ action: "replay", jobId: id });
  const loan = take();
  expect(await answer(id, "failed again", loan.lease.id, "still no page")).toBe("stored");
  expect((await ledger.dead(list)).letters).toMatchObject([{ reason: "still no page" }]);
  expect(await fetch(id)).toBe("failed again");
  expect(ledger.getStats()).toMatchObject({ failed: 2, deadLetters: 1, openJobs: 0 });
});

test("a holder that hears of nothing harms neither the letter nor the job that was put back", async (t) => {
  const opened = openLedger(t);
  const { ledger, accept, answer, take, queues } = opened;
  const id = await accept();
  const holder = take();
  await answer(id, "failed", holder.lease.id, "no page");
  holder.giveBack("lost");
  expect(ledger.getStats()).toMatchObject({ deadLetters: 1, openJobs: 0 });
  await ledger.dead({ action: "replay" });
  expect(holder.settle()).toBeUndefined();
  expect(queues.size("work")).toBe(1);
  const next = take();
  holder.giveBack("lost");
  expect(next.isHeld).toBe(true);
});

test("a job that went to another consumer meanwhile is taken from it without a word", async (t) => {
  const { ledger, accept, take, queues, fetch } = openLedger(t);
  const id = await accept();
  const first = take();
  const body = Buffer.from("failed");
  const push = { queueName: id, body, heldBytes: 0, isJob: false, id, digest: Buffer.alloc(16) };
  const reservation = queues.reserve({ ...push, leaseId: first.lease.id, failed: "no page" });
  if (typeof reservation === "string") return expect.fail(reservation);
  first.giveBack("lost");
  const second = take();
  expect(reservation.store()).not.toBe("jobOver");
  expect(ledger.getStats()).toMatchObject({ deadLetters: 1, openJobs: 0 });
  expect(second.settle()).toEqual({ kept: undefined });
  expect(await fetch(id)).toBe("failed");
  expect(queues.size("work")).toBe(0);
});

test("a job that was cancelled before is no letter", async (t) => {
  const { ledger, accept, answer, take } = openLedger(t);
  const id = await accept();
  const { lease } = take();
  expect(await ledger.cancel(id)).toBe("cancelled");
  expect(await answer(id, "failed", lease.id, "no page")).toBe("jobOver");
  expect(ledger.getStats()).toMatchObject({ cancelled: 1, failed: 0, deadLetters: 0 });
});

test("of an on-result queue it is kept too, also after its early acknowledgement", async (t) => {
  const opened = openLedger(t, { queues: { work: { settle: "on-result" } } });
  const id = await opened.accept("the text");
  const loan = opened.take();
  loan.settle();
  expect(await opened.answer(id, "failed", loan.lease.id, "no page")).toBe("stored");
  await opened.ledger.dead({ action: "replay" });
  expect(String(await opened.take().body())).toBe("the text");
});

test.for([
  ["none", { maxDeadLetters: 0 }, 0],
  ["by their number", { maxDeadLetters: 2 }, 2],
  ["by their bytes", { maxDeadLetterBytes: 5_000 }, 2],
  ["by a quarter of the memory", { maxHeldBytes: 1024 * 1024 }, 113],
] as const)("the latest are kept, bounded %s", async ([, options, kept], t) => {
  const opened = openLedger(t, options as SimpleMessageBrokerOptions);
  const { ledger, queues, fetch } = opened;
  const ids: string[] = [];
  for (let count = 0; count < kept + 3; count++) {
    const id = await failedJob(opened, "x".repeat(1_285));
    ids.push(id);
    expect(await fetch(id)).toBe("failed");
  }
  expect(await idsOfLetters(opened)).toEqual(ids.slice(3));
  expect(ledger.getStats()).toMatchObject({ failed: kept + 3, deadLetters: kept, openJobs: 0 });
  await ledger.dead({ action: "drop" });
  while (ledger.relieve());
  expect(queues.budget.heldBytes).toBe(0);
  expect(queues.count()).toMatchObject({ queues: 0, ready: 0, inFlight: 0 });
});

test("a long reason counts against the memory as long as its result is kept", async (t) => {
  const opened = openLedger(t);
  const { ledger, queues } = opened;
  await failedJob(opened, "text", "x");
  const before = queues.budget.heldBytes;
  const reason = "y".repeat(4_000);
  await failedJob(opened, "text", reason);
  expect(queues.budget.heldBytes - before).toBeGreaterThan(2 * reason.length);
  await ledger.dead({ action: "replay" });
  for (const loan of [opened.take(), opened.take()]) {
    await opened.answer(loan.message.entry.id, "done", loan.lease.id);
    await opened.fetch(loan.message.entry.id);
  }
  while (ledger.relieve());
  expect(queues.budget.heldBytes).toBe(0);
});
