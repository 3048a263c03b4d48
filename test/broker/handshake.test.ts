/**
 * Goal: what is committed when, over real sockets: nothing before a good ACK, everything after it;
 * order with give-back; the limit with places that are kept.
 */
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf, settled } from "../helpers/raw-peer.js";
import { ack, PING, pop, popThrough, push, pushThrough, size } from "../helpers/requests.js";
import { preload, startBroker, takeAll } from "../helpers/start-broker.js";

test("a pushed message is there after its ACK and not before", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const other = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  expect(first).toMatchObject({ code: 0, response: "Transaction initiated. Waiting for ACK." });
  expect((await other.ask(size("q"))).response).toBe("0");
  const final = await peer.ask(ack(first.id));
  expect(final).toMatchObject({ code: 0, response: "Data stored.", id: first.id });
  expect((await other.ask(size("q"))).response).toBe("1");
});

test("messages are numbered when they are stored, not when they were announced", async (t) => {
  const broker = await startBroker(t);
  const slow = await connectPeer(t, broker.port);
  const fast = await connectPeer(t, broker.port);
  const first = await slow.ask(push("q", "slow"));
  await pushThrough(fast, "q", "fast");
  await slow.ask(ack(first.id));
  expect(await takeAll(broker, "q")).toEqual(["fast", "slow"]);
});

test("a popped message is neither ready nor gone until its ACK", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(pop("q"));
  expect(first).toMatchObject({ code: 0, response: "m" });
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 1 });
  const final = await peer.ask(ack(first.id));
  expect(final).toMatchObject({ code: 0, response: "Data processed.", id: first.id });
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0, queues: 0, heldBytes: 0 });
});

test("messages that were given back in any order come out in their first order", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "a", "b", "c", "d");
  const holders = await Promise.all([1, 2, 3].map(() => connectPeer(t, broker.port)));
  const held = [];
  for (const holder of holders) held.push((await holder.ask(pop("q"))).response);
  expect(held).toEqual(["a", "b", "c"]);
  await preload(broker, "q", "e");
  for (const [i, close] of [
    [1, "end"],
    [2, "reset"],
    [0, "end"],
  ] as const) {
    const { inFlight } = broker.getStats();
    if (close === "end") holders[i]?.end();
    else holders[i]?.socket.resetAndDestroy();
    await until("it is given back", () => broker.getStats().inFlight < inFlight);
  }
  expect(await takeAll(broker, "q")).toEqual(["a", "b", "c", "d", "e"]);
});

test("a message given back is redelivered under a new transaction", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const one = await connectPeer(t, broker.port);
  const first = await one.ask(pop("q"));
  await one.ask(ack(first.id, false));
  const two = await connectPeer(t, broker.port);
  const second = await two.ask(pop("q"));
  expect(second.response).toBe("m");
  expect(second.id).not.toBe(first.id);
  expect((await two.ask(ack(first.id))).reason).toBe("ACK not received.");
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});

test("of fifty overlapping pushes at a limit of ten exactly ten are taken", async (t) => {
  const broker = await startBroker(t, { brokerParams: { maxQueueSize: 10 } });
  const peers = await Promise.all(Array.from({ length: 50 }, () => connectPeer(t, broker.port)));
  // All have their first response before the first ACK is sent.
  const firsts = await Promise.all(peers.map((peer, i) => peer.ask(push("q", `m${i}`, 30))));
  const taken = peers
    .map((peer, i) => ({ peer, first: firsts[i] }))
    .filter((x) => x.first?.code === 0);
  expect(taken).toHaveLength(10);
  const refused = firsts.filter(({ code }) => code !== 0);
  expect(refused.every(({ reason }) => reason === "Queue is full")).toBe(true);
  const finals = await Promise.all(taken.map(({ peer, first }) => peer.ask(ack(first?.id ?? ""))));
  expect(finals.every(({ response }) => response === "Data stored.")).toBe(true);
  expect(broker.getStats()).toMatchObject({ ready: 10, pushesRefused: 40 });
});

test("a place that was kept is free again when its push is not acknowledged", async (t) => {
  const broker = await startBroker(t, { brokerParams: { maxQueueSize: 1 } });
  const one = await connectPeer(t, broker.port);
  const two = await connectPeer(t, broker.port);
  await one.ask(push("q", "a"));
  expect((await two.ask(push("q", "b"))).reason).toBe("Queue is full");
  one.end();
  expect((await one.frame()).reason).toBe("ACK not received.");
  expect((await pushThrough(two, "q", "b")).response).toBe("Data stored.");
  expect(await takeAll(broker, "q")).toEqual(["b"]);
});

test("one connection carries any number of requests, one after the other", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  for (let i = 0; i < 200; i++) {
    expect((await pushThrough(peer, "q", `m${i}`)).response).toBe("Data stored.");
    expect((await peer.ask(PING)).response).toBe("PONG");
  }
  for (let i = 0; i < 200; i++) expect(await popThrough(peer, "q")).toBe(`m${i}`);
  expect(await popThrough(peer, "q")).toBeNull();
  expect(broker.getStats()).toMatchObject({ stored: 200, delivered: 200, connections: 1 });
});

test("requests that were sent together are answered in order", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  peer.write(
    Buffer.concat([PING, size("q"), pop("nothing", 0), size("other"), PING].map((x) => frameOf(x))),
  );
  const answers = [];
  for (let i = 0; i < 5; i++) {
    const { code, response } = await peer.frame();
    answers.push([code, response]);
  }
  expect(answers).toEqual([
    [0, "PONG"],
    [0, "1"],
    [2, null],
    [0, "0"],
    [0, "PONG"],
  ]);
});

test("a request sent where an ACK is due is a refused ACK, and is not carried out", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  peer.write(Buffer.concat([frameOf(push("q", "m")), frameOf(PING)]));
  expect((await peer.frame()).code).toBe(0);
  expect((await peer.frame()).reason).toBe("ACK not received.");
  expect(await peer.untilClosed()).toHaveLength(0);
  expect(broker.getStats()).toMatchObject({ ready: 0, pings: 0, acksRefused: 1 });
});

test("after a protocol error the connection ends", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  peer.write(Buffer.concat([frameOf("{oops"), frameOf(PING)]));
  expect((await peer.frame()).code).toBe(1);
  expect(await peer.untilClosed()).toHaveLength(0);
  peer.write(frameOf(PING));
  await settled(t, broker.port);
  peer.end();
  await until("it is closed", () => broker.getStats().connections === 0);
  expect(broker.getStats()).toMatchObject({ requestsRefused: 1, pings: 10 });
});

test("a PING that asks is told what the broker can do, and others are not", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  expect(Object.keys((await peer.ask(PING)).members)).toHaveLength(5);
  const { members } = await peer.ask({ command: "PING", features: ["hold"] });
  expect(members).toMatchObject({
    response: "PONG",
    features: [
      ...["keepalive", "hold", "lease", "fence", "dedup", "cancel", "dead", "failed"],
      ...["direct", "channels"],
    ],
    server: "millrace",
    pid: process.pid,
    durability: "memory",
  });
});
