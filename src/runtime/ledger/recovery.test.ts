/**
 * Goal: after a restart the ledger knows of each job what it knew before, whatever had been written
 * down until then. Method: entries and marks in a real store on the disk, which is closed and opened
 * again with a ledger; the states of a job are drawn in `job.ts`.
 */
import { describe, expect, test } from "vitest";
import { type OpenedLedger, openLedger } from "../../../test/helpers/ledger.js";
import { messageOf, openStore } from "../../../test/helpers/segment-store.js";
import type { Cleanup } from "../../../test/helpers/start-broker.js";
import type { Mark } from "../../broker/store/entry.js";
import { newId } from "../../core/index.js";
import { failureCause, parseResult } from "../../message/index.js";
import { until } from "../../testing/index.js";
import type { SimpleMessageBrokerOptions } from "../index.js";
import { JobIds } from "./job-ids.js";

const HOUR_MS = 3_600_000;
const handed: Mark = { kind: "handed" };
const returned: Mark = { kind: "returned" };
const taken: Mark = { kind: "taken" };
const answered: Mark = { kind: "answered" };
const why = { atMs: Date.now() - 1_000, cause: "deliveries", reason: "it was said before" };
const givenUp: Mark = { kind: "givenUp", why };
const revived: Mark = { kind: "revived", atMs: Date.now() };
const fetched: Mark = { kind: "fetched", atMs: Date.now() - 1_000 };

interface Written {
  /** Undefined: the job is not in the store any more. */
  readonly job?: readonly Mark[];
  /** Undefined: no result is in the store. */
  readonly result?: readonly Mark[];
  readonly storedAtMs?: number;
  /** The result says so of its job. */
  readonly failed?: string;
}

/** Writes jobs and results, ends the store, and opens it with a ledger; the jobs' ids besides. */
async function restarted(
  t: Cleanup,
  written: readonly Written[],
  options: SimpleMessageBrokerOptions = {},
): Promise<{ opened: OpenedLedger; ids: string[] }> {
  const { store, recovered, dataDir } = await openStore(t);
  const jobIds = new JobIds(recovered.secret);
  const ids = written.map(() => jobIds.issue());
  const write = async (name: string, id: string, kind: "job" | "result", more: Written) => {
    const marks = more[kind];
    if (marks === undefined) return;
    const storedAtMs = more.storedAtMs ?? Date.now();
    const failed = kind === "result" ? more.failed : undefined;
    const message = messageOf(kind, { queueName: name, id, kind, storedAtMs, failed });
    const appended = store.append(message);
    await appended.stored;
    for (const mark of marks) await store.mark(appended.entry, mark);
  };
  for (const [index, more] of written.entries()) {
    await write("work", ids[index] as string, "job", more);
  }
  for (const [index, more] of written.entries()) {
    await write(ids[index] as string, newId(), "result", more);
  }
  await store.close();
  const again = await openStore(t, { dataDir });
  const opened = openLedger(t, options, again);
  // What the ledger itself has to say comes with the next turn, and to cancel a job that ends waits
  // for that.
  await new Promise(setImmediate);
  const { letters } = await opened.ledger.dead({ action: "list" });
  for (const { job_id } of letters) await opened.ledger.cancel(job_id);
  return { opened, ids };
}

/** Where a job is: in the line, with the number of its deliveries and whether it goes alone. */
function inLine({ queues }: OpenedLedger, id: string): string | undefined {
  const { message } = queues.take("work") ?? {};
  if (message === undefined) return undefined;
  expect(message.entry.id).toBe(id);
  return `${message.entry.deliveries - 1}${message.goesAlone ? " alone" : ""}`;
}

describe("a job without a result", () => {
  test.for([
    ["was never handed out", [], "0"],
    ["was being worked on", [handed], "1"],
    ["was given back in good order", [handed, returned], "0"],
    ["was given back more often than handed out", [returned, returned, handed], "1"],
    ["was on its second delivery", [handed, handed], "2 alone"],
    ["was replayed", [handed, handed, handed, givenUp, answered, revived], "0"],
    ["was replayed, before its answer was told", [handed, handed, handed, givenUp, revived], "0"],
    ["was replayed after its acknowledgement", [handed, taken, givenUp, answered, revived], "0"],
    ["was replayed and handed out", [handed, givenUp, answered, revived, handed], "1"],
    ["was confirmed and handed out", [{ kind: "confirmed" }, handed], "1"],
  ] as [string, Mark[], string][])("that %s waits in its queue", async ([, job, place], t) => {
    const { opened, ids } = await restarted(t, [{ job }]);
    const [id] = ids as [string];
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 1, deadLetters: 0 });
    expect(opened.ledger.expiryOf(id)).toBeUndefined();
    expect(inLine(opened, id)).toBe(place);
    expect(await opened.answer(id)).toBe("stored");
    expect(await opened.fetch(id)).toBe("result");
  });

  test.for([
    ["once", [handed, taken]],
    ["on its last delivery", [handed, handed, handed, taken]],
  ] as [string, Mark[]][])("that was acknowledged %s is awaited", async ([, job], t) => {
    const { opened, ids } = await restarted(t, [{ job }]);
    const [id] = ids as [string];
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 1, deadLetters: 0 });
    expect(inLine(opened, id)).toBeUndefined();
    expect(await opened.answer(id)).toBe("stored");
    expect(opened.queues.count()).toMatchObject({ queues: 1, ready: 1, inFlight: 0 });
  });

  test.for([
    ["lost its last consumer with the broker", [handed, handed, handed], /^3 consumers were lost/],
    ["was given up and not answered", [handed, givenUp], /^it was said before$/],
    ["was given up again", [handed, givenUp, answered, revived, givenUp], /^it was said before$/],
  ] as [string, Mark[], RegExp][])("that %s is answered now", async ([, job, cause], t) => {
    const { opened, ids } = await restarted(t, [{ job }]);
    const [id] = ids as [string];
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 1, answered: 1 });
    expect(inLine(opened, id)).toBeUndefined();
    const result = parseResult((await opened.fetch(id)) as string);
    expect(failureCause(result)).toMatch(cause);
    expect(await opened.answer(id)).toBe("jobOver");
    expect((await opened.ledger.dead({ action: "replay", jobId: id })).count).toBe(1);
    expect(inLine(opened, id)).toBe("0");
  });

  test("that was given up, and whose answer is kept no more, is answered only once", async (t) => {
    const { opened, ids } = await restarted(t, [{ job: [handed, givenUp, answered] }]);
    const [id] = ids as [string];
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 1, answered: 0 });
    expect(opened.queues.take(id)).toBeUndefined();
    expect(opened.ledger.expiryOf(id)).toMatch(/^Result expired before /);
    expect((await opened.ledger.dead({ action: "replay", jobId: id })).count).toBe(1);
    expect(inLine(opened, id)).toBe("0");
  });

  test("is given up at once when its time was over meanwhile", async (t) => {
    const storedAtMs = Date.now() - 2 * HOUR_MS;
    const options = { jobTimeoutMs: HOUR_MS };
    const again: Mark = { kind: "revived", atMs: Date.now() };
    const written = [
      // Replayed just now: it has all its time, though it is the oldest.
      { job: [givenUp, answered, again], storedAtMs },
      { job: [], storedAtMs },
      { job: [] },
    ];
    const { opened, ids } = await restarted(t, written, options);
    await until("one is given up", () => opened.ledger.getStats().openJobs === 2);
    expect(opened.ledger.getStats().givenUp).toBe(1);
    const { letters } = await opened.ledger.dead({ action: "list" });
    expect(letters).toMatchObject([{ job_id: ids[1], cause: "deadline" }]);
  });
});

describe("a job with a result", () => {
  test.for([
    ["nothing was written of", []],
    ["was handed out", [handed]],
    ["was acknowledged", [handed, taken]],
  ] as [string, Mark[]][])("that %s is over, and its task gone", async ([, job], t) => {
    const { opened, ids } = await restarted(t, [{ job, result: [] }]);
    const [id] = ids as [string];
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 0 });
    expect(opened.queues.count()).toMatchObject({ queues: 1, ready: 1 });
    expect(await opened.answer(id)).toBe("jobOver");
    expect(await opened.ledger.cancel(id)).toBe("over");
    expect(await opened.fetch(id)).toBe("result");
  });

  test.for([
    ["told as answered", [handed, givenUp, answered]],
    ["not told as answered", [handed, givenUp]],
  ] as [string, Mark[]][])("that was given up and %s is a dead letter", async ([, job], t) => {
    const { opened, ids } = await restarted(t, [{ job, result: [] }]);
    const [id] = ids as [string];
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 1, answered: 0 });
    expect(inLine(opened, id)).toBeUndefined();
    expect(await opened.fetch(id)).toBe("result");
    expect((await opened.ledger.dead({ action: "replay", jobId: id })).count).toBe(1);
    expect(inLine(opened, id)).toBe("0");
    expect(opened.queues.take(id)).toBeUndefined();
  });

  test("that was fetched can be fetched again, and stands in no size", async (t) => {
    const { opened, ids } = await restarted(t, [{ result: [fetched] }, { result: [] }]);
    const [first, second] = ids as [string, string];
    expect(opened.ledger.getStats()).toMatchObject({ retainedResults: 1, openJobs: 0 });
    expect([opened.queues.size(first), opened.queues.size(second)]).toEqual([0, 1]);
    expect(await opened.fetch(first)).toBe("result");
    expect(await opened.fetch(second)).toBe("result");
  });

  test("goes when its time is over, in the order of the fetches", async (t) => {
    const old: Mark = { kind: "fetched", atMs: Date.now() - 2 * HOUR_MS };
    const options = { resultRetentionMs: HOUR_MS };
    // The one that was stored last was fetched first.
    const { opened, ids } = await restarted(t, [{ result: [fetched] }, { result: [old] }], options);
    const [kept, gone] = ids as [string, string];
    await until("one is kept", () => opened.ledger.getStats().retainedResults === 1);
    expect(opened.ledger.expiryOf(gone)).toMatch(/^Result expired at /);
    expect(await opened.fetch(kept)).toBe("result");
  });

  test("beyond the bytes the one that was fetched first goes", async (t) => {
    const old: Mark = { kind: "fetched", atMs: Date.now() - HOUR_MS };
    const options = { maxRetainedBytes: 1_500 };
    const { opened, ids } = await restarted(t, [{ result: [fetched] }, { result: [old] }], options);
    expect(ids.map((id) => opened.ledger.expiryOf(id) !== undefined)).toEqual([false, true]);
  });

  test("whose job is gone is over", async (t) => {
    const { opened, ids } = await restarted(t, [{ result: [] }, {}]);
    const [kept, gone] = ids as [string, string];
    expect(await opened.answer(kept)).toBe("jobOver");
    expect(await opened.answer(gone)).toBe("jobOver");
    expect(await opened.fetch(kept)).toBe("result");
    expect(opened.ledger.expiryOf(gone)).toMatch(/^Result expired before /);
    expect(await opened.ledger.cancel(gone)).toBe("over");
  });
});

describe("a job whose result says that it failed", () => {
  const failed = "no page";
  const storedAtMs = Date.now() - HOUR_MS;
  const said: Mark = {
    kind: "givenUp",
    why: { atMs: storedAtMs, cause: "failed", reason: failed },
  };

  test.for([
    ["nothing was written of", []],
    ["was handed out", [handed]],
    ["was acknowledged early", [handed, taken]],
    ["was told as failed", [handed, said]],
    ["was told as failed and answered", [handed, said, answered]],
    ["was replayed, before its result was removed", [handed, said, answered, revived]],
  ] as [string, Mark[]][])("that %s is a dead letter with its result", async ([, job], t) => {
    for (const result of [[], [fetched]]) {
      const { opened, ids } = await restarted(t, [{ job, result, failed, storedAtMs }]);
      const [id] = ids as [string];
      expect(opened.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 1, answered: 0 });
      const { letters } = await opened.ledger.dead({ action: "show", jobId: id });
      expect(letters).toMatchObject([{ cause: "failed", reason: failed, message: "job" }]);
      expect(letters[0]?.given_up_at).toBe(new Date(storedAtMs).toISOString());
      expect(opened.queues.size(id)).toBe(result.length === 0 ? 1 : 0);
      expect(await opened.fetch(id)).toBe("result");
      expect((await opened.ledger.dead({ action: "replay", jobId: id })).count).toBe(1);
      expect(inLine(opened, id)).toBe("0");
      expect(opened.queues.take(id)).toBeUndefined();
    }
  });

  test("whose letter was dropped stays as it is", async (t) => {
    const { opened, ids } = await restarted(t, [{ result: [], failed }]);
    expect(opened.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 0, answered: 0 });
    expect(await opened.fetch(ids[0] as string)).toBe("result");
  });

  test("is listed where it failed, among those of which more was written", async (t) => {
    const at = (minutes: number) => ({ storedAtMs: storedAtMs + minutes * 60_000 });
    const { opened, ids } = await restarted(t, [
      { job: [handed], result: [], failed, ...at(2) },
      { job: [handed, givenUp, answered], ...at(0) },
      { job: [handed, taken], result: [], failed, ...at(1) },
    ]);
    const { letters } = await opened.ledger.dead({ action: "list" });
    expect(letters.map(({ job_id }) => job_id)).toEqual([ids[2], ids[0], ids[1]]);
  });
});

test("a job that was given up before its answer was told as such is not answered again later", async (t) => {
  const { store, recovered, dataDir } = await openStore(t);
  const id = new JobIds(recovered.secret).issue();
  for (const [kind, queueName] of [
    ["job", "work"],
    ["result", id],
  ] as const) {
    const own = kind === "job" ? id : newId();
    const { entry, stored } = store.append(messageOf(kind, { queueName, id: own, kind }));
    await stored;
    if (kind === "job") await store.mark(entry, givenUp);
  }
  await store.close();
  const second = await openStore(t, { dataDir });
  const opened = openLedger(t, { maxRetainedBytes: 0 }, second);
  expect(await opened.fetch(id)).toBe("result");
  opened.ledger.close();
  await second.store.close();
  const third = openLedger(t, {}, await openStore(t, { dataDir }));
  await new Promise(setImmediate);
  expect(third.ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 1, answered: 0 });
  expect(third.queues.take(id)).toBeUndefined();
});

test("jobs keep their order over a restart, whatever happened to each", async (t) => {
  const written = [{ job: [handed, handed] }, { job: [] }, { job: [handed] }, { job: [] }];
  const { opened, ids } = await restarted(t, written);
  const got = [1, 2, 3, 4].map(() => opened.take().message.entry.id);
  expect(got).toEqual(ids);
});

test("fewer dead letters than before may be kept, and no queue is miscounted by that", async (t) => {
  const dead = { job: [handed, givenUp, answered], result: [fetched] };
  const options = { maxDeadLetters: 1, maxRetainedBytes: 0 };
  const { opened, ids } = await restarted(t, [dead, dead, dead], options);
  const { letters } = await opened.ledger.dead({ action: "list" });
  expect(letters.map(({ job_id }) => job_id)).toEqual([ids[2]]);
  await opened.ledger.dead({ action: "drop" });
  expect(opened.queues.count()).toEqual({ queues: 0, ready: 0, inFlight: 0, waiters: 0 });
  expect(opened.queues.budget.heldBytes).toBe(0);
});

test("what a ledger has removed is not in the store of the next one", async (t) => {
  const dead = [handed, givenUp, answered];
  const { store, recovered, dataDir } = await openStore(t);
  const opened = openLedger(t, { maxRetainedBytes: 0, maxDeliveries: 1 }, { store, recovered });
  const [done, lost, open] = [await opened.accept(), await opened.accept(), await opened.accept()];
  opened.take().settle();
  await opened.answer(done);
  opened.take().giveBack("lost");
  await opened.ledger.cancel(lost);
  for (const id of [done, lost]) expect(await opened.fetch(id)).toBeDefined();
  opened.ledger.close();
  await store.close();
  const again = await openStore(t, { dataDir });
  const ids = again.recovered.entries.map(({ id, deliveries }) => [id, deliveries]);
  expect(ids).toEqual([
    [lost, dead.length - 2],
    [open, 0],
  ]);
});
