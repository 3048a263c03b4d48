/**
 * Goal: the rules of a POP that waits at an empty queue: who is served, when it ends, and that nothing
 * is handed to a peer that cannot acknowledge.
 * Method: order of events; refusals of never acknowledged PUSHes are the clock where one is needed.
 */
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf, type RawPeer } from "../helpers/raw-peer.js";
import { ack, PING, pop, push, pushThrough, size } from "../helpers/requests.js";
import { type Cleanup, preload, startBroker, takeAll } from "../helpers/start-broker.js";

type Broker = Awaited<ReturnType<typeof startBroker>>;

/** A consumer whose POP is held; `timeout` in seconds. */
async function waiting(t: Cleanup, broker: Broker, timeout: number | null = 60): Promise<RawPeer> {
  const peer = await connectPeer(t, broker.port);
  const { waiters } = broker.getStats();
  peer.send(pop("q", timeout));
  await until("the POP is held", () => broker.getStats().waiters === waiters + 1);
  return peer;
}

test("a held POP gets the message that is pushed, and its ACK counts", async (t) => {
  const broker = await startBroker(t);
  const consumer = await waiting(t, broker);
  const producer = await connectPeer(t, broker.port);
  await pushThrough(producer, "q", "m");
  const first = await consumer.frame();
  expect(first).toMatchObject({ code: 0, response: "m" });
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 1, waiters: 0 });
  expect((await consumer.ask(ack(first.id))).response).toBe("Data processed.");
  expect(broker.getStats()).toMatchObject({ inFlight: 0, queues: 0 });
});

test("a held POP gets a message that another consumer gives back", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const one = await connectPeer(t, broker.port);
  const first = await one.ask(pop("q"));
  const two = await waiting(t, broker);
  await one.ask(ack(first.id, false));
  expect((await two.frame()).response).toBe("m");
});

test("waiters are served first come, first served", async (t) => {
  const broker = await startBroker(t);
  const consumers: RawPeer[] = [];
  for (let i = 0; i < 10; i++) consumers.push(await waiting(t, broker));
  await preload(broker, "q", ...consumers.map((_, i) => `m${i}`));
  for (const [i, consumer] of consumers.entries()) {
    expect((await consumer.frame()).response).toBe(`m${i}`);
  }
});

test("a held POP is told not ready in the end, and the connection can be used on", async (t) => {
  const broker = await startBroker(t, { maxHoldMs: 50 });
  const peer = await waiting(t, broker);
  expect(await peer.frame()).toMatchObject({ code: 2, reason: "Job not ready" });
  expect(broker.getStats()).toMatchObject({ waiters: 0, queues: 0 });
  expect((await peer.ask(PING)).response).toBe("PONG");
});

test("the hold is timeout - 1 s, half of it up to 2 s, and never longer than the cap", async (t) => {
  const broker = await startBroker(t, { maxHoldMs: 1_900 });
  const order: string[] = [];
  const end = async (name: string, peer: RawPeer) => {
    await peer.frame();
    order.push(name);
  };
  const clocks = [0.2, 0.45, 0.8, 1.15, 1.33, 1.65, 2.2];
  const held: [string, number | null][] = [
    ["half of 0.6 s", 0.6],
    ["half of 2 s", 2],
    ["2.45 s less 1 s", 2.45],
    ["the cap for 60 s", 60],
    ["the cap for null", null],
  ];
  const clockPeers = await Promise.all(clocks.map(() => connectPeer(t, broker.port)));
  await Promise.all(clockPeers.map((peer, i) => peer.ask(push("clock", "m", clocks[i] ?? null))));
  const peers = await Promise.all(held.map(() => connectPeer(t, broker.port)));
  for (const [i, [, timeout]] of held.entries()) peers[i]?.send(pop(`q${i}`, timeout));
  await Promise.all([
    ...peers.map((peer, i) => end(held[i]?.[0] ?? "", peer)),
    ...clockPeers.map((peer, i) => end(`${clocks[i]} s`, peer)),
  ]);
  const at = (name: string) => order.indexOf(name);
  const between = (name: string, after: string, before: string) => {
    expect(order.slice(at(after), at(before))).toContain(name);
  };
  between("half of 0.6 s", "0.2 s", "0.45 s");
  between("half of 2 s", "0.8 s", "1.15 s");
  between("2.45 s less 1 s", "1.33 s", "1.65 s");
  between("the cap for 60 s", "1.65 s", "2.2 s");
  between("the cap for null", "1.65 s", "2.2 s");
});

test("the wait for the ACK begins when the message is handed out", async (t) => {
  const broker = await startBroker(t);
  const clock = await connectPeer(t, broker.port);
  const consumer = await waiting(t, broker, 1);
  await clock.ask(push("clock", "m", 0.3));
  await clock.frame();
  await preload(broker, "q", "m");
  const first = await consumer.frame();
  const later = await connectPeer(t, broker.port);
  await later.ask(push("clock", "m", 0.8));
  await later.frame();
  expect((await consumer.ask(ack(first.id))).response).toBe("Data processed.");
});

test.for(["with the request", "while it waits"])(
  "a peer that has closed its side %s is told not ready, and nothing is handed to it",
  async (when, t) => {
    const broker = await startBroker(t);
    const consumer = when === "while it waits" ? await waiting(t, broker) : undefined;
    const peer = consumer ?? (await connectPeer(t, broker.port));
    if (consumer === undefined) peer.socket.end(frameOf(pop("q", 60)));
    else peer.end();
    expect(await peer.frame()).toMatchObject({ code: 2, reason: "Job not ready" });
    expect(await peer.untilClosed()).toHaveLength(0);
    await preload(broker, "q", "m");
    expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0, delivered: 0, waiters: 0 });
  },
);

test.for(["ends", "is reset"])("a waiter whose line %s is forgotten", async (how, t) => {
  const broker = await startBroker(t);
  const peer = await waiting(t, broker);
  if (how === "ends") peer.socket.destroy();
  else peer.socket.resetAndDestroy();
  await until("the waiter is forgotten", () => broker.getStats().waiters === 0);
  expect(broker.getStats().queues).toBe(0);
  await preload(broker, "q", "m");
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});

test("a waiter that vanishes in the middle does not cost the others their turn", async (t) => {
  const broker = await startBroker(t);
  const [one, two, three] = [
    await waiting(t, broker),
    await waiting(t, broker),
    await waiting(t, broker),
  ];
  two.socket.resetAndDestroy();
  await until("it is forgotten", () => broker.getStats().waiters === 2);
  await preload(broker, "q", "a", "b");
  expect((await one.frame()).response).toBe("a");
  expect((await three.frame()).response).toBe("b");
});

test("too many waiters at one queue are told not ready at once", async (t) => {
  const broker = await startBroker(t, { maxWaitersPerQueue: 2 });
  await waiting(t, broker);
  await waiting(t, broker);
  const third = await connectPeer(t, broker.port);
  expect(await third.ask(pop("q", 60))).toMatchObject({ code: 2, reason: "Job not ready" });
  expect((await third.ask(size("q"))).response).toBe("0");
  expect(broker.getStats().waiters).toBe(2);
});

test("what a peer sends ahead while its POP is held is answered after it", async (t) => {
  const broker = await startBroker(t, { maxHoldMs: 100 });
  const peer = await connectPeer(t, broker.port);
  const ahead = Buffer.concat(Array.from({ length: 20_000 }, () => frameOf(PING)));
  peer.write(Buffer.concat([frameOf(pop("q", 60)), ahead]));
  expect((await peer.frame()).code).toBe(2);
  for (let i = 0; i < 20_000; i++) expect((await peer.body()).includes("PONG")).toBe(true);
});

test("a broker in the same process wakes waiters over the network, and the other way round", async (t) => {
  const broker = await startBroker(t);
  const local = broker.take("q", { waitMs: 60_000 });
  const remote = await waiting(t, broker);
  const producer = await connectPeer(t, broker.port);
  await pushThrough(producer, "q", "first");
  const held = await local;
  expect(held?.body.toString()).toBe("first");
  held?.release();
  expect((await remote.frame()).response).toBe("first");
});

test("a wait in process ends with its signal and leaves nothing", async (t) => {
  const broker = await startBroker(t);
  const controller = new AbortController();
  const taken = broker.take("q", { waitMs: 60_000, signals: [controller.signal] });
  expect(broker.getStats().waiters).toBe(1);
  controller.abort();
  expect(await taken).toBeUndefined();
  expect(broker.getStats()).toMatchObject({ waiters: 0, queues: 0 });
});
