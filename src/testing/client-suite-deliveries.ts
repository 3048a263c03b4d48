/** The part of the client suite that is about what a delivery tells of itself. */
import assert from "node:assert/strict";
import { hasCode } from "../core/index.js";
import { type Body, expectDelivery, QUEUE, rejectsWith } from "./client-suite-kit.js";

export const leaseIds: Body = async (client, bench) => {
  for (const text of ["one", "two"]) await client.submitMessage(QUEUE, text);
  const first = await expectDelivery(client);
  const second = await expectDelivery(bench.connect());
  assert.ok(first.leaseId !== "" && first.leaseId !== second.leaseId);
  await first.release();
  const again = await expectDelivery(client);
  assert.equal(again.message, "one");
  // It is another delivery, although of the same message.
  assert.notEqual(again.leaseId, first.leaseId);
  await Promise.all([again.acknowledge(), second.acknowledge()]);
};

export const lostByClose: Body = async (client, bench) => {
  await client.submitMessage(QUEUE, "in work");
  const delivery = await expectDelivery(client);
  let firedCount = 0;
  const { lost } = delivery;
  lost.addEventListener("abort", () => {
    firedCount++;
  });
  assert.equal(lost.aborted, false);
  await client.close();
  assert.equal(firedCount, 1);
  assert.ok(hasCode(lost.reason, "CLIENT_LEASE_OVER"));
  assert.equal(delivery.lost, lost);
  await delivery.release();
  const other = bench.connect();
  assert.equal(await other.fetchMessage(QUEUE), "in work");
  assert.equal(await other.size(QUEUE), 0);
};

export const neverLost: Body = async (client) => {
  for (const text of ["one", "two"]) await client.submitMessage(QUEUE, text);
  const acknowledged = await expectDelivery(client);
  const released = await expectDelivery(client);
  await acknowledged.acknowledge();
  await released.release();
  await client.close();
  for (const { lost } of [acknowledged, released]) assert.equal(lost.aborted, false);
  await rejectsWith("CLIENT_DELIVERY_SETTLED", released.acknowledge());
};
