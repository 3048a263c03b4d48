/**
 * Goal: a consumer that holds its ACK keeps its message for its timeout, and longer when it says so;
 * whatever ends that, the message is back at its old place.
 * Method: peers that speak bytes. A PUSH that is never acknowledged is the clock.
 */
import { describe, expect, test } from "vitest";
import { connectPeer, frameOf, settled } from "../helpers/raw-peer.js";
import { ack, extend, passed, pop, popThrough, push, size } from "../helpers/requests.js";
import { preload, startBroker, takeAll } from "../helpers/start-broker.js";

describe.each(["memory", "fsync"] as const)("with durability %s", (durability) => {
  test("a message whose ACK is withheld is nobody else's", async (t) => {
    const broker = await startBroker(t, { durability });
    await preload(broker, "q", "m");
    const consumer = await connectPeer(t, broker.port);
    const first = await consumer.ask(pop("q", 30));
    expect(first.response).toBe("m");
    const other = await connectPeer(t, broker.port);
    expect((await other.ask(pop("q", 0))).reason).toBe("Job not ready");
    expect((await other.ask(size("q"))).response).toBe("0");
    expect((await consumer.ask(ack(first.id))).response).toBe("Data processed.");
    expect((await other.ask(pop("q", 0))).reason).toBe("Job not ready");
  });

  test("a lease that runs out ends readably, with the message back at its old place", async (t) => {
    const broker = await startBroker(t, { durability });
    await preload(broker, "q", "a", "b", "c");
    const consumer = await connectPeer(t, broker.port);
    const first = await consumer.ask(pop("q", 0.1));
    expect(await consumer.frame()).toMatchObject({ reason: "ACK not received.", id: first.id });
    expect(await takeAll(broker, "q")).toEqual(["a", "b", "c"]);
  });

  test.for(["is reset", "ends"])(
    "a message whose consumer %s goes to the one that waits, at once",
    async (how, t) => {
      const broker = await startBroker(t, { durability });
      await preload(broker, "q", "a");
      const consumer = await connectPeer(t, broker.port);
      await consumer.ask(pop("q", 3_000));
      const waiting = await connectPeer(t, broker.port);
      waiting.send(pop("q", 60));
      await settled(t, broker.port);
      if (how === "is reset") consumer.socket.resetAndDestroy();
      else consumer.end();
      const next = await waiting.frame();
      expect(next.response).toBe("a");
      expect((await waiting.ask(ack(next.id))).response).toBe("Data processed.");
    },
  );

  test("messages of lost consumers come in their old order, before later ones", async (t) => {
    const broker = await startBroker(t, { durability });
    await preload(broker, "q", "a", "b", "c", "d");
    const consumers = [];
    for (const text of ["a", "b", "c"]) {
      const consumer = await connectPeer(t, broker.port);
      expect((await consumer.ask(pop("q", 60))).response).toBe(text);
      consumers.push(consumer);
    }
    for (const at of [1, 2, 0]) {
      consumers[at]?.end();
      await consumers[at]?.untilClosed();
    }
    const other = await connectPeer(t, broker.port);
    const got = [];
    for (let i = 0; i < 4; i++) got.push(await popThrough(other, "q"));
    expect(got).toEqual(["a", "b", "c", "d"]);
  });

  test("an extension prolongs a lease from its arrival on", async (t) => {
    const broker = await startBroker(t, { durability });
    await preload(broker, "q", "m");
    const consumer = await connectPeer(t, broker.port);
    const first = await consumer.ask(pop("q", 0.3));
    consumer.send(extend(first.id, 30));
    await passed(t, broker.port, 0.5);
    consumer.send(extend(first.id, 40));
    await settled(t, broker.port);
    expect(broker.getStats()).toMatchObject({ inFlight: 1, ready: 0, acksRefused: 1 });
    expect((await consumer.ask(ack(first.id))).response).toBe("Data processed.");
    expect((await consumer.ask(pop("q", 0))).code).toBe(2);
  });
});

test("an extension may come in pieces, and the seven zero bytes after it belong to the end", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const consumer = await connectPeer(t, broker.port);
  const first = await consumer.ask(pop("q", 0.4));
  const frame = frameOf(extend(first.id, 30));
  consumer.write(frame.subarray(0, 8));
  expect(await consumer.bytes(7)).toEqual(Buffer.alloc(7));
  consumer.write(frame.subarray(8, 30));
  await settled(t, broker.port);
  consumer.write(frame.subarray(30));
  await passed(t, broker.port, 0.6);
  // Another one in pieces, and an ACK in pieces: the zeros are sent once.
  for (const message of [extend(first.id, 30), ack(first.id)]) {
    const bytes = frameOf(message);
    consumer.write(bytes.subarray(0, 8));
    await settled(t, broker.port);
    consumer.write(bytes.subarray(8));
  }
  expect(await consumer.frame(7)).toMatchObject({ response: "Data processed.", id: first.id });
  expect((await consumer.ask(size("q"))).response).toBe("0");
});

test("a lease that runs out after an extension in pieces ends readably", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const consumer = await connectPeer(t, broker.port);
  const first = await consumer.ask(pop("q", 30));
  const frame = frameOf(extend(first.id, 0.1));
  consumer.write(frame.subarray(0, 8));
  await consumer.bytes(7);
  consumer.write(frame.subarray(8));
  expect(await consumer.frame(7)).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await consumer.untilClosed()).toHaveLength(0);
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});

test("extensions and the ACK that were sent together are taken one after the other", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const consumer = await connectPeer(t, broker.port);
  const { id } = await consumer.ask(pop("q", 30));
  const all = [extend(id, 10), extend(id, 20), ack(id)].map((message) => frameOf(message));
  consumer.write(Buffer.concat(all));
  expect((await consumer.frame()).response).toBe("Data processed.");
});

test("no extension goes beyond the longest wait for an ACK", async (t) => {
  const broker = await startBroker(t, { maxAckWaitMs: 100 });
  await preload(broker, "q", "m");
  const consumer = await connectPeer(t, broker.port);
  const first = await consumer.ask(pop("q", 0.05));
  consumer.send(extend(first.id, 1e12));
  expect(await consumer.frame()).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});

test("a PUSH cannot be prolonged", async (t) => {
  const broker = await startBroker(t);
  const producer = await connectPeer(t, broker.port);
  const first = await producer.ask(push("q", "m", 30));
  const answer = await producer.ask(extend(first.id, 30));
  expect(answer).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(broker.getStats()).toMatchObject({ ready: 0, stored: 0, heldBytes: 0 });
});

test.for([
  ["another transaction", { transaction_id: "another", extend: 30 }],
  ["no time", { extend: 0 }],
  ["a time before now", { extend: -1 }],
  ["a text", { extend: "30" }],
  ["a time and no ACK", { extend: 30, ack: null }],
] as const)("an extension with %s ends the lease", async ([, wrong], t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const consumer = await connectPeer(t, broker.port);
  const first = await consumer.ask(pop("q", 30));
  const answer = await consumer.ask({ transaction_id: first.id, ...wrong });
  expect(answer).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});
