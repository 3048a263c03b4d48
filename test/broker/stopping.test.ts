/**
 * Goal: a broker that drains or stops says so to each peer in the way it understands, ends in bounded
 * time whatever is connected, and tells how much it threw away.
 */
import { connect } from "node:net";
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { encodeBody } from "../../src/wire/index.js";
import { connectPeer, type RawPeer, settled } from "../helpers/raw-peer.js";
import { ack, PING, pop, popThrough, push, pushThrough } from "../helpers/requests.js";
import { collectingLogger, preload, startBroker } from "../helpers/start-broker.js";

test("a draining broker takes no pushes and hands out what it has", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const open = await connectPeer(t, broker.port);
  const first = await open.ask(push("q", "accepted before"));
  broker.drain();
  expect((await open.ask(ack(first.id))).response).toBe("Data stored.");
  const producer = await connectPeer(t, broker.port);
  expect(await producer.ask(push("q", "too late".repeat(500_000)))).toMatchObject({
    code: 1,
    reason: "Queue is not available",
    response: null,
  });
  const consumer = await connectPeer(t, broker.port);
  expect(await popThrough(consumer, "q")).toBe("m");
  expect(await popThrough(consumer, "q")).toBe("accepted before");
  expect(broker.getStats().heldBytes).toBe(0);
});

test("a stop tells held POPs not ready, lets transactions end and closes what is idle", async (t) => {
  const broker = await startBroker(t);
  const idle = await connectPeer(t, broker.port);
  await idle.ask(PING);
  const held = await connectPeer(t, broker.port);
  held.send(pop("empty", 60));
  const pushing = await connectPeer(t, broker.port);
  const first = await pushing.ask(push("q", "m"));
  await until("the POP is held", () => broker.getStats().waiters === 1);
  const local = broker.take("other", { waitMs: 60_000 });

  const stopped = broker.stop({ drainTimeoutMs: 20_000 });
  expect(await held.frame()).toMatchObject({ code: 2, reason: "Job not ready" });
  expect(await held.untilClosed()).toHaveLength(0);
  held.end();
  expect(await idle.untilClosed()).toHaveLength(0);
  expect(await local).toBeUndefined();
  expect((await pushing.ask(ack(first.id))).response).toBe("Data stored.");
  expect(await pushing.untilClosed()).toHaveLength(0);
  await stopped;
  expect(broker.getStats()).toMatchObject({
    running: false,
    connections: 0,
    dropped: 1,
    stored: 1,
  });
});

test("a request that is on its way when the broker stops is refused, not lost in silence", async (t) => {
  const broker = await startBroker(t);
  for (const [request, expected] of [
    [push("q", "m"), { code: 1, reason: "Queue is not available" }],
    [pop("q", 60), { code: 2, reason: "Job not ready" }],
  ] as const) {
    const peer = await connectPeer(t, broker.port);
    const text = JSON.stringify(request);
    const frame = Buffer.concat([Buffer.alloc(8), Buffer.from(text)]);
    frame.writeUInt32BE(text.length, 4);
    peer.write(frame.subarray(0, 20));
    await settled(t, broker.port);
    const stopped = broker.stop({ drainTimeoutMs: 20_000 });
    peer.write(frame.subarray(20));
    expect(await peer.frame()).toMatchObject(expected);
    peer.end();
    await stopped;
    await broker.start();
  }
});

test("stop with a thousand idle connections and stubborn ones ends, and counts what it drops", async (t) => {
  const logger = collectingLogger();
  const broker = await startBroker(t, { drainTimeoutMs: 300 }, logger);
  await preload(broker, "q", "a", "b", "c");
  const idle = await Promise.all(Array.from({ length: 1_000 }, () => connectPeer(t, broker.port)));
  const stubborn: RawPeer[] = [];
  for (const request of [pop("q", 60), push("q", "never acknowledged", 60), pop("empty", 60)]) {
    const peer = await connectPeer(t, broker.port);
    peer.send(request);
    stubborn.push(peer);
  }
  await until("they are served", () => broker.getStats().waiters === 1);
  await until("all are there", () => broker.getStats().connections === 1_003);
  await broker.stop();
  expect(broker.getStats()).toMatchObject({ connections: 0, dropped: 3, ready: 0, heldBytes: 0 });
  expect(logger.lines.filter((line) => line.includes('"dropped":3'))).toHaveLength(1);
  for (const peer of [...idle, ...stubborn]) await peer.untilClosed();
});

test("after a stop nobody listens, and a push in process is refused", async (t) => {
  const broker = await startBroker(t);
  const { port } = broker;
  await broker.stop();
  await broker.stop();
  const refused = await new Promise((resolve) => {
    connect({ host: "127.0.0.1", port }).on("error", (error) => resolve(error));
  });
  expect(refused).toMatchObject({ code: "ECONNREFUSED" });
  await expect(broker.store("q", encodeBody("m"), { stampJobId: false })).rejects.toThrow(
    expect.objectContaining({ code: "QUEUE_UNAVAILABLE", retry: true }),
  );
  expect(await broker.take("q", { waitMs: 60_000 })).toBeUndefined();
});

test("a broker that was stopped can be started again, empty", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  await broker.stop();
  await broker.start();
  const peer = await connectPeer(t, broker.port);
  expect(await popThrough(peer, "q")).toBeNull();
  expect((await pushThrough(peer, "q", "n")).response).toBe("Data stored.");
  expect(broker.getStats()).toMatchObject({ running: true, ready: 1, dropped: 1 });
});

test("a port that is taken is told with the pid of the broker that has it", async (t) => {
  const broker = await startBroker(t);
  await expect(startBroker(t, { port: broker.port })).rejects.toMatchObject({
    code: "BROKER_PORT_TAKEN",
    message: expect.stringContaining(`pid ${process.pid}`),
  });
});
