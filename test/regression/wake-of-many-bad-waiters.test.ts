/**
 * Goal: a message that very many consumers refuse at the very moment they get it is not lost.
 * Method: waiters that give back at once, as a connection does whose peer sent a bad ACK ahead of
 * time. Done by calls inside calls this ran out of stack, and the message stayed in flight for ever.
 */
import { expect, test } from "vitest";
import { MessageQueue } from "../../src/broker/queue.js";
import { until } from "../../src/testing/index.js";
import { queuedMessage } from "../helpers/queued-messages.js";
import { connectPeer, frameOf, headerOf } from "../helpers/raw-peer.js";
import { pop } from "../helpers/requests.js";
import { preload, startBroker, takeAll } from "../helpers/start-broker.js";

test("a message refused by a hundred thousand waiters in a row is still there", () => {
  const queue = new MessageQueue("q");
  let refused = 0;
  for (let i = 0; i < 100_000; i++) {
    queue.wait((message) => {
      refused++;
      queue.remove(message);
      queue.add(message);
    });
  }
  const precious = queuedMessage(1, { queue });
  queue.add(precious);
  expect(refused).toBe(100_000);
  expect(queue.leasedCount).toBe(0);
  expect(queue.take()).toBe(precious);
});

test("consumers that send a bad ACK ahead of their message get it one after the other", async (t) => {
  const broker = await startBroker(t);
  const consumers = 200;
  const badPop = Buffer.concat([frameOf(pop("q", 60)), headerOf(0)]);
  for (let i = 0; i < consumers; i++) (await connectPeer(t, broker.port)).write(badPop);
  await until("all wait", () => broker.getStats().waiters === consumers);

  await preload(broker, "q", "precious");
  await until("all have refused", () => broker.getStats().waiters === 0);
  expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0, acksRefused: consumers });
  expect(await takeAll(broker, "q")).toEqual(["precious"]);
});
