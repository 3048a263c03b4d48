/**
 * Goal: whatever moment a broker dies in, a job that failed has one result, and with it one dead
 * letter that can be done again; without it, it is a job as before.
 * Method: copies of the directory made after every single step that changes it, and the files cut at
 * every byte as a power cut may leave them, opened again with a ledger.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLedger } from "../../../test/helpers/ledger.js";
import { copyOfStore, openStore, stepping } from "../../../test/helpers/segment-store.js";
import type { Cleanup } from "../../../test/helpers/start-broker.js";

const LOG = "00000001.log";
const MARKS = "00000001.marks";
const REASON = "no page in the document";

/** What of the job is found in a copy: its result and its letter, or neither. */
async function lookInto(t: Cleanup, dataDir: string, jobId: string): Promise<"open" | "dead"> {
  const kept = await openStore(t, { dataDir });
  const opened = openLedger(t, {}, kept);
  // What the ledger itself has to say comes with the next turn.
  await new Promise(setImmediate);
  const { queues, ledger, take, answer, fetch } = opened;
  const { letters } = await ledger.dead({ action: "list" });
  const hasResult = queues.size(jobId) === 1;
  expect(letters).toHaveLength(hasResult ? 1 : 0);
  expect(ledger.getStats()).toMatchObject({ openJobs: hasResult ? 0 : 1, answered: 0 });
  expect(queues.size("work")).toBe(hasResult ? 0 : 1);
  if (hasResult) {
    expect(letters).toMatchObject([{ job_id: jobId, cause: "failed", reason: REASON }]);
    expect(await fetch(jobId)).toBe("the failed result");
    expect((await ledger.dead({ action: "replay" })).count).toBe(1);
  }
  const loan = take();
  expect(String(await loan.body())).toBe("the job");
  expect(await answer(jobId, "done", loan.lease.id)).toBe("stored");
  expect(loan.settle()).toEqual({ kept: undefined });
  expect(await fetch(jobId)).toBe("done");
  expect(ledger.getStats()).toMatchObject({ openJobs: 0, deadLetters: 0 });
  ledger.close();
  await kept.store.close();
  return hasResult ? "dead" : "open";
}

/** A job that fails, and copies of the directory after each step from its acceptance on. */
async function failing(t: Cleanup) {
  const copies: string[] = [];
  let isWatched = false;
  const files = stepping(async () => {
    if (isWatched) copies.push(await copyOfStore(t, dataDir));
  });
  const { store, recovered, dataDir } = await openStore(t, { files });
  const opened = openLedger(t, {}, { store, recovered });
  const jobId = await opened.accept("the job");
  const loan = opened.take();
  await loan.noted;
  isWatched = true;
  copies.push(await copyOfStore(t, dataDir));
  await opened.answer(jobId, "the failed result", loan.lease.id, REASON);
  await loan.settle()?.kept;
  opened.ledger.close();
  await store.close();
  isWatched = false;
  copies.push(await copyOfStore(t, dataDir));
  return { copies, jobId };
}

test("a death after any step leaves the job open, or its result and its letter", async (t) => {
  const { copies, jobId } = await failing(t);
  const found: string[] = [];
  for (const copy of copies) found.push(await lookInto(t, copy, jobId));
  // The write of the result is the one step from the one to the other.
  expect(found[0]).toBe("open");
  expect(found.slice(found.indexOf("dead"))).toEqual(Array(copies.length - 1).fill("dead"));
});

/** The bytes that a file got since the first copy, and how to write it with a part of them. */
async function growth(t: Cleanup, name: string) {
  const { copies, jobId } = await failing(t);
  const [first, last] = [copies[0] as string, copies.at(-1) as string];
  const bytes = readFileSync(join(last, name));
  const from = readFileSync(join(first, name)).length;
  expect(bytes.length).toBeGreaterThan(from);
  const lookAt = async (copyOf: string, size: number) => {
    const copy = await copyOfStore(t, copyOf);
    writeFileSync(join(copy, name), bytes.subarray(0, size));
    return lookInto(t, copy, jobId);
  };
  return { from, to: bytes.length, first, last, lookAt };
}

test("a result that was written in part leaves the job open", async (t) => {
  const { from, to, first, lookAt } = await growth(t, LOG);
  for (let size = from; size < to; size++) expect(await lookAt(first, size)).toBe("open");
  expect(await lookAt(first, to)).toBe("dead");
});

test("marks that are lost, all or in part, cost neither the result nor the letter", async (t) => {
  const { from, to, last, lookAt } = await growth(t, MARKS);
  for (let size = from; size <= to; size++) expect(await lookAt(last, size)).toBe("dead");
});
