/**
 * Goal: where the broker takes short cuts, a push is one exchange and still stored once, whatever
 * becomes of its answer, and an ACK that nobody need hear of is not waited for.
 * Method: brokers whose every answer the test writes, over TCP.
 */
import { describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { ID, type Script, STEPWISE, startScripted } from "../helpers/scripted-broker.js";
import type { Cleanup } from "../helpers/start-broker.js";

const QUEUE = "jobs";
const DIRECT = [...STEPWISE, "direct"];
const UNKNOWN = { code: "CLIENT_DELIVERY_UNKNOWN", retry: true };

describe("a push that brings its ACK", () => {
  test("is one frame and one answer", async (t) => {
    const { port, frames } = await startScripted(t, DIRECT, loseAnswers(0));
    expect(await clientOf(t, port).submitMessage(QUEUE, "m")).toEqual({ transactionId: ID });
    expect(frames).toMatchObject([{ command: "PUSH", message: "m", ack: true }]);
    expect(frames).toHaveLength(1);
  });

  test("is repeated as it was when its answer is lost, and keeps its first id", async (t) => {
    const { port, frames } = await startScripted(t, DIRECT, loseAnswers(2));
    const submitted = clientOf(t, port).submitMessage(QUEUE, "{}", { forNvIngest: true });
    expect(await submitted).toEqual({ transactionId: ID });
    expect(frames).toHaveLength(3);
    expect(new Set(frames.map((push) => JSON.stringify(push))).size).toBe(1);
  });

  test("is not repeated to another broker, which might store it twice", async (t) => {
    let pingCount = 0;
    const features = () => (pingCount++ === 0 ? DIRECT : ["keepalive", "hold"]);
    const { port, frames } = await startScripted(t, features, loseAnswers(1));
    await expect(clientOf(t, port).submitMessage(QUEUE, "once")).rejects.toMatchObject(UNKNOWN);
    expect(frames).toHaveLength(1);
  });

  test("may be stored although its caller gave up, and that is said", async (t) => {
    const stop = new AbortController();
    const { port } = await startScripted(t, DIRECT, async (_, line) => {
      stop.abort(new Error("enough"));
      line.hangUp();
    });
    const submitted = clientOf(t, port).submitMessage(QUEUE, "once", { signal: stop.signal });
    await expect(submitted).rejects.toMatchObject(UNKNOWN);
  });

  test("hears the answer that comes soon after its caller gave up", async (t) => {
    const stop = new AbortController();
    const { port } = await startScripted(t, DIRECT, async (_, line) => {
      stop.abort(new Error("enough"));
      setImmediate(() => line.say({ response: "Data stored.", id: ID }));
    });
    const submitted = clientOf(t, port).submitMessage(QUEUE, "once", { signal: stop.signal });
    expect(await submitted).toEqual({ transactionId: ID });
  });

  test.for([
    ["Job is over", "QUEUE_JOB_OVER"],
    ["Lease is over", "QUEUE_LEASE_OVER"],
    ["Queue is full", "QUEUE_FULL"],
    ["no such thing", "CLIENT_REFUSED"],
  ] as const)("is refused with %j, which is %s", async ([reason, code], t) => {
    const { port } = await startScripted(t, DIRECT, async (_, line) => {
      line.say({ code: 1, reason });
    });
    const submitted = clientOf(t, port).submitMessage(QUEUE, "late", { timeoutMs: 0 });
    await expect(submitted).rejects.toMatchObject({ code });
  });
});

test("a fetched message is settled without waiting for an answer", async (t) => {
  const { port, frames } = await startScripted(t, DIRECT, async (_, line) => {
    line.say({ response: "a message", id: ID });
    await line.next();
  });
  const client = clientOf(t, port);
  expect(await client.fetchMessage(QUEUE)).toBe("a message");
  expect(await client.fetchMessage(QUEUE)).toBe("a message");
  expect(frames.slice(0, 2)).toEqual([
    expect.objectContaining({ command: "POP" }),
    { transaction_id: ID, ack: true, final: false },
  ]);
});

test("a delivery is acknowledged aloud while no result of it is stored", async (t) => {
  const { port, frames } = await startScripted(t, DIRECT, async (request, line) => {
    if (request.command === "PUSH") {
      line.say({ response: "Data stored.", id: ID });
      return;
    }
    line.say({ response: "a job", id: ID });
    const ack = await line.next();
    const isExtension = ack.extend !== undefined;
    if (((isExtension ? await line.next() : ack) as { final?: boolean }).final === false) return;
    line.say({ response: "Data processed.", id: ID });
  });
  const client = clientOf(t, port);
  const aloud = await client.fetchDelivery(QUEUE);
  await client.submitMessage("another", "result", { leaseId: "of somebody else" });
  await aloud?.acknowledge();
  const quiet = await client.fetchDelivery(QUEUE);
  await client.submitMessage("a job's queue", "result", { leaseId: quiet?.leaseId });
  await quiet?.acknowledge();
  await expect.poll(() => frames.filter(({ ack, command }) => ack && !command)).toHaveLength(2);
  expect(frames.filter(({ ack, command }) => ack && !command)).toEqual([
    { transaction_id: ID, ack: true },
    { transaction_id: ID, ack: true, final: false },
  ]);
});

/** Takes pushes, and hangs up instead of answering the first ones. */
function loseAnswers(lostCount: number): Script {
  let count = 0;
  return async (_, line) => {
    if (count++ < lostCount) line.hangUp();
    else line.say({ response: "Data stored.", id: ID });
  };
}

function clientOf(t: Cleanup, port: number): SimpleClient {
  const client = new SimpleClient({ host: "127.0.0.1", port, maxBackoffMs: 20 });
  t.onTestFinished(() => client.close());
  return client;
}
