/**
 * Goal: when memory is short, results still get in, and results that were fetched make room.
 * Method: the ledger at real queues in memory, filled to their limit.
 */
import { expect, test } from "vitest";
import { openLedger } from "../../../test/helpers/ledger.js";
import { newPush } from "../../../test/helpers/queues.js";

const MiB = 1024 * 1024;
const KiB_100 = Buffer.alloc(100 * 1024, "x");

test("a tenth of the memory is for results alone", async (t) => {
  const { queues, accept, answer } = openLedger(t, { maxHeldBytes: MiB });
  const ids = [await accept(), await accept()];
  let count = 0;
  for (;;) {
    const reservation = queues.reserve(newPush("q", KiB_100));
    if (typeof reservation === "string") break;
    reservation.store();
    count++;
  }
  expect(count).toBe(9);
  const small = () => queues.reserve(newPush("other", "x".repeat(60 * 1024)));
  expect(small()).toBe("full");
  expect(queues.reserve(newPush("work", KiB_100, { isJob: true }))).toBe("full");
  expect(await answer(ids[0] as string, "y".repeat(60 * 1024))).toBe("stored");
  expect(small()).toBe("full");
  // All of it is used up: the job stays open, and is answered when there is room again.
  expect(await answer(ids[1] as string, "y".repeat(60 * 1024))).toBe("full");
  queues.take("q")?.settle();
  expect(await answer(ids[1] as string, "y".repeat(60 * 1024))).toBe("stored");
});

test("fetched results make room for pushes, oldest first and no more than must", async (t) => {
  const { queues, ledger, accept, answer, fetch } = openLedger(t, { maxHeldBytes: MiB });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    const id = await accept();
    await answer(id, "y".repeat(100 * 1024));
    await fetch(id);
    ids.push(id);
  }
  const push = () => {
    const reservation = queues.reserve(newPush("q", KiB_100));
    if (typeof reservation === "string") return reservation;
    reservation.store();
    return "stored";
  };
  for (let i = 0; i < 6; i++) expect(push()).toBe("stored");
  expect(ledger.getStats().retainedResults).toBe(3);
  expect(push()).toBe("stored");
  expect(ids.map((id) => ledger.expiryOf(id) !== undefined)).toEqual([true, false, false]);
  expect([push(), push(), push()]).toEqual(["stored", "stored", "full"]);
  expect(ledger.getStats()).toMatchObject({ retainedResults: 0, expiredResults: 3 });
});

test("after everything is settled and expired no byte and no queue is left", async (t) => {
  const options = { maxHeldBytes: MiB, maxRetainedBytes: 0, maxDeliveries: 1 };
  const { queues, ledger, accept, answer, fetch, take } = openLedger(t, options);
  const [answered, cancelled, lost] = [await accept(), await accept(), await accept()];
  take().settle();
  await ledger.cancel(cancelled);
  take().giveBack("lost");
  await answer(answered);
  for (const id of [answered, cancelled, lost]) expect(await fetch(id)).toBeDefined();
  await ledger.dead({ action: "drop" });
  expect(queues.count()).toEqual({ queues: 0, ready: 0, inFlight: 0, waiters: 0 });
  expect(queues.budget.heldBytes).toBe(0);
});
