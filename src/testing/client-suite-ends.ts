/** The part of the client suite that is about ends: signals that fire, and clients that are closed. */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Body,
  expectDelivery,
  NEVER_POLLS,
  QUEUE,
  rejectsWith,
  untilHeld,
} from "./client-suite-kit.js";

/** A call that came to this many turns of the event loop is over on every client. */
const TURNS = 24;

export const abortedBefore: Body = async (client) => {
  const signal = AbortSignal.abort(new Error("too late"));
  await assert.rejects(client.submitMessage(QUEUE, "never", { signal }), /too late/);
  await assert.rejects(client.fetchMessage(QUEUE, { signal }), /too late/);
  await assert.rejects(client.fetchDelivery(QUEUE, { signal }), /too late/);
  await assert.rejects(client.ping({ signal }), /too late/);
  await assert.rejects(client.size(QUEUE, { signal }), /too late/);
  assert.equal(await client.size(QUEUE), 0);
};

export const abortFetch: Body = async (client) => {
  for (let turns = 0; turns < TURNS; turns++) {
    const text = `aborted after ${turns} turns`;
    await client.submitMessage(QUEUE, text);
    const fetched = await abortAfter(turns, (signal) => client.fetchMessage(QUEUE, { signal }));
    const got = fetched.status === "fulfilled" ? fetched.value : await client.fetchMessage(QUEUE);
    assert.equal(got, text);
  }
  assert.equal(await client.size(QUEUE), 0);
};

export const abortDelivery: Body = async (client) => {
  for (let turns = 0; turns < TURNS; turns++) {
    const text = `aborted after ${turns} turns`;
    await client.submitMessage(QUEUE, text);
    const fetched = await abortAfter(turns, (signal) => client.fetchDelivery(QUEUE, { signal }));
    const delivery =
      fetched.status === "fulfilled" ? fetched.value : await client.fetchDelivery(QUEUE);
    assert.equal(delivery?.message, text);
    await delivery.acknowledge();
  }
  assert.equal(await client.size(QUEUE), 0);
};

export const abortSubmit: Body = async (client) => {
  for (let turns = 0; turns < TURNS; turns++) {
    const text = `aborted after ${turns} turns`;
    const submit = (signal: AbortSignal) => client.submitMessage(QUEUE, text, { signal });
    const submitted = await abortAfter(turns, submit);
    await client.submitMessage(QUEUE, "the next");
    const got = await client.fetchMessage(QUEUE);
    if (submitted.status === "fulfilled") assert.equal(got, text);
    if (got === text) assert.equal(await client.fetchMessage(QUEUE), "the next");
    else assert.equal(got, "the next");
  }
  assert.equal(await client.size(QUEUE), 0);
};

export const close: Body = async (client, bench) => {
  const other = bench.connect();
  await client.submitMessage(QUEUE, "in work");
  const delivery = await expectDelivery(client);
  const waiting = client.fetchMessage(QUEUE, NEVER_POLLS);
  const alsoWaiting = client.fetchDelivery("empty", NEVER_POLLS);
  await untilHeld(bench, 2);
  const ended = [rejectsWith("CLIENT_CLOSED", waiting), rejectsWith("CLIENT_CLOSED", alsoWaiting)];
  await client.close();
  await Promise.all(ended);
  assert.equal(await other.fetchMessage(QUEUE), "in work");
  await rejectsWith("CLIENT_CLOSED", delivery.acknowledge());
  await delivery.release();
  assert.equal(await other.size(QUEUE), 0);
};

export const useAfterClose: Body = async (client, bench) => {
  await client.ping();
  await client.close();
  await client.close();
  await client[Symbol.asyncDispose]();
  await rejectsWith("CLIENT_CLOSED", client.submitMessage(QUEUE, "text"));
  await rejectsWith("CLIENT_CLOSED", client.fetchMessage(QUEUE));
  await rejectsWith("CLIENT_CLOSED", client.fetchDelivery(QUEUE));
  await rejectsWith("CLIENT_CLOSED", client.ping());
  await rejectsWith("CLIENT_CLOSED", client.size(QUEUE));
  // One that never spoke to its broker is closed like any other.
  const unused = bench.connect();
  await unused.close();
  await rejectsWith("CLIENT_CLOSED", unused.ping());
};

/** What becomes of a call whose signal fires after some turns of the event loop. */
async function abortAfter<T>(
  turns: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<PromiseSettledResult<T>> {
  const stop = new AbortController();
  const settled = Promise.allSettled([call(stop.signal)]);
  for (let count = 0; count < turns; count++) await nextTurn();
  stop.abort(new Error("aborted by the test"));
  const [result] = await settled;
  return result;
}
