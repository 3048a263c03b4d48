/**
 * Goal: a delivery stays its consumer's while the consumer lives, and the consumer is told when it is
 * not any more. Method: brokers whose every answer the test writes, over TCP; what they got is looked at.
 */
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { deferred } from "../helpers/pipeline-bench.js";
import {
  type ClientFrame,
  ID,
  nextAck,
  type Script,
  type ScriptLine,
  STEPWISE,
  startScripted,
} from "../helpers/scripted-broker.js";
import type { Cleanup } from "../helpers/start-broker.js";

const QUEUE = "jobs";
const OLD_FEATURES = ["keepalive", "hold"];
const REFUSAL = { code: 1, reason: "ACK not received.", id: ID };

describe("a broker that can be told", () => {
  test("hears of an open delivery again and again, and nothing once it is settled", async (t) => {
    let lastId = 0;
    const enough = [deferred(), deferred(), deferred()];
    const { port, frames } = await startScripted(t, STEPWISE, async (_, line) => {
      const id = `delivery ${++lastId}`;
      let count = 0;
      line.say({ response: "work", id });
      const ack = await nextAck(line, () => {
        if (++count === 4) enough[lastId - 1]?.resolve();
      });
      if (ack.ack === true) line.say({ response: "Data processed.", id });
      else line.say({ ...REFUSAL, id });
    });
    const client = clientOf(t, port);
    for (const index of enough.keys()) {
      // The second one goes back; the line of the first carries it, the third has a new one.
      const delivery = await fetchFrom(client);
      expect(delivery.leaseId).toBe(`delivery ${index + 1}`);
      await enough[index]?.promise;
      if (index === 1) await delivery.release();
      else await delivery.acknowledge();
      expect(delivery.lost.aborted).toBe(false);
    }
    const ids = frames.map(({ transaction_id = "POP" }) => transaction_id);
    expect(ids.filter((id, index) => id !== ids[index - 1])).toEqual([
      ...["POP", "delivery 1", "POP", "delivery 2", "POP", "delivery 3"],
    ]);
    expect(frames.filter(({ command }) => command === "POP")).toMatchObject([
      ...Array.from(enough, () => ({ timeout: 0.03 })),
    ]);
    const extensions = frames.filter(({ extend }) => extend !== undefined);
    expect(new Set(extensions.map(({ extend }) => extend))).toEqual(new Set([0.03]));
  });

  test("hears at once that the message has come", async (t) => {
    const told = deferred<ClientFrame>();
    const { port } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "work", id: ID });
      await nextAck(line, told.resolve);
    });
    // A third of this is longer than a test may take.
    await clientOf(t, port).fetchDelivery(QUEUE, { leaseMs: 300_000 });
    expect(await told.promise).toEqual({ transaction_id: ID, extend: 300 });
  });

  test("gets the lease that was asked for, five minutes unless another was", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, handOut);
    const client = clientOf(t, port);
    for (const leaseMs of [undefined, 90_000, 0]) {
      const options = leaseMs === undefined ? {} : { leaseMs };
      const delivery = await client.fetchDelivery(QUEUE, { ...options, timeoutMs: 0 });
      await delivery?.acknowledge();
    }
    expect(popsOf(frames)).toEqual([300, 90, 0.001]);
  });

  test("that hands out a message at once settled hears of no lease", async (t) => {
    const { port, frames } = await startScripted(t, STEPWISE, handOut);
    await clientOf(t, port).fetchMessage(QUEUE);
    expect(frames).toMatchObject([{ command: "POP" }, { ack: true }]);
  });
});

test("a broker that cannot be told keeps a message for an hour or longer, in silence", async (t) => {
  const three = deferred();
  let extensionCount = 0;
  const ours = await startScripted(t, STEPWISE, async (_, line) => {
    line.say({ response: "work", id: ID });
    await nextAck(line, () => {
      if (++extensionCount === 4) three.resolve();
    });
  });
  const old = await startScripted(t, OLD_FEATURES, handOut);
  const delivery = await fetchFrom(clientOf(t, old.port));
  await fetchFrom(clientOf(t, ours.port));
  // As long as this took, the old one would have heard three times too.
  await three.promise;
  await delivery.acknowledge();
  expect(old.frames).toEqual([
    { command: "POP", queue_name: QUEUE, timeout: 3_600 },
    { transaction_id: ID, ack: true },
  ]);
  const long = await clientOf(t, old.port).fetchDelivery(QUEUE, { leaseMs: 7_200_000 });
  await long?.acknowledge();
  expect(popsOf(old.frames)).toEqual([3_600, 7_200]);
});

describe("a delivery is lost", () => {
  const ways: readonly (readonly [string, (line: ScriptLine) => void, RegExp])[] = [
    [
      "when the broker takes it away",
      (line) => {
        line.say(REFUSAL);
        line.hangUp();
      },
      /ACK not received/,
    ],
    ["when its connection ends", (line) => line.hangUp(), /the broker closed it/],
    ["when the broker says what nobody asked", (line) => line.say({ response: "7" }), /unasked/],
  ];

  test.for(ways)("%s", async ([, takeAway, reason], t) => {
    const handed = deferred<ScriptLine>();
    const { port, frames } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "work", id: ID });
      handed.resolve(line);
      await nextAck(line);
    });
    const client = clientOf(t, port);
    const delivery = await client.fetchDelivery(QUEUE);
    if (delivery === undefined) throw new Error("there is a message");
    const { lost } = delivery;
    expect(lost.aborted).toBe(false);
    takeAway(await handed.promise);
    await once(lost, "abort");
    const over = { code: "CLIENT_LEASE_OVER", message: expect.stringMatching(reason) };
    expect(lost.reason).toMatchObject(over);
    await expect(delivery.acknowledge()).rejects.toBe(lost.reason);
    await delivery.release();
    expect(delivery.lost).toBe(lost);
    expect(frames.filter(({ ack }) => ack !== undefined)).toEqual([]);
  });

  test("also for who looks only afterwards", async (t) => {
    const { port } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "work", id: ID });
      line.hangUp();
    });
    const delivery = await fetchFrom(clientOf(t, port));
    await expect.poll(() => delivery.lost.aborted).toBe(true);
    expect(delivery.lost.reason).toMatchObject({ code: "CLIENT_LEASE_OVER" });
  });

  test("when its acknowledgement and the broker's word for it cross", async (t) => {
    const { port } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "work", id: ID });
      await nextAck(line);
      line.say(REFUSAL);
      line.hangUp();
    });
    const delivery = await fetchFrom(clientOf(t, port));
    const over = { code: "CLIENT_LEASE_OVER" };
    await expect(delivery.acknowledge()).rejects.toMatchObject(over);
    expect(delivery.lost.reason).toMatchObject(over);
  });

  test("when its client is closed, which is what the acknowledgement says then", async (t) => {
    const { port } = await startScripted(t, STEPWISE, async (_, line) => {
      line.say({ response: "work", id: ID });
      await nextAck(line);
    });
    const client = clientOf(t, port);
    const delivery = await fetchFrom(client);
    const { lost } = delivery;
    await client.close();
    expect(lost.reason).toMatchObject({ code: "CLIENT_LEASE_OVER" });
    await expect(delivery.acknowledge()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  });

  test("never after it was acknowledged, although its connection ends", async (t) => {
    const ended = deferred();
    const { port } = await startScripted(t, STEPWISE, async (request, line) => {
      await handOut(request, line);
      line.hangUp();
      await line.next().catch(() => ended.resolve());
    });
    const delivery = await fetchFrom(clientOf(t, port));
    const { lost } = delivery;
    await delivery.acknowledge();
    await ended.promise;
    expect(lost.aborted).toBe(false);
    await expect(delivery.acknowledge()).rejects.toMatchObject({
      code: "CLIENT_DELIVERY_SETTLED",
    });
  });
});

const handOut: Script = async (_, line) => {
  line.say({ response: "work", id: ID });
  await nextAck(line);
  line.say({ response: "Data processed.", id: ID });
};

async function fetchFrom(client: SimpleClient) {
  const delivery = await client.fetchDelivery(QUEUE, { leaseMs: 30 });
  if (delivery === undefined) throw new Error("there is a message");
  return delivery;
}

function popsOf(frames: readonly ClientFrame[]) {
  return frames.filter(({ command }) => command === "POP").map(({ timeout }) => timeout);
}

function clientOf(t: Cleanup, port: number): SimpleClient {
  const client = new SimpleClient({ host: "127.0.0.1", port, maxBackoffMs: 20 });
  t.onTestFinished(() => client.close());
  return client;
}
