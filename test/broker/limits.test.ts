/**
 * Goal: each limit refuses as documented, before memory is taken, and lets go of what it stopped.
 */
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf, headerOf, settled } from "../helpers/raw-peer.js";
import { PING, pop, popThrough, push, pushThrough, size } from "../helpers/requests.js";
import { preload, startBroker } from "../helpers/start-broker.js";

const KiB = 1024;
const MiB = 1024 * KiB;

test.for([1_025n, 2n ** 31n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n])(
  "a frame of %d bytes is refused by its header, and the rest is read and thrown away",
  async (length, t) => {
    const broker = await startBroker(t, { maxFrameBytes: 1_024 });
    const peer = await connectPeer(t, broker.port);
    peer.write(headerOf(length));
    const answer = await peer.frame();
    expect(answer).toMatchObject({ code: 1, response: null });
    expect(answer.reason).toContain("maxFrameBytes (1024)");
    expect(broker.getStats()).toMatchObject({ heldBytes: 0, framesRefused: 1 });
    const rest = length > 10_000n ? MiB : Number(length) - 1;
    let hasFailed = false;
    peer.socket.on("error", () => {
      hasFailed = true;
    });
    await new Promise<void>((resolve) => {
      peer.socket.write(Buffer.alloc(rest), () => resolve());
    });
    expect(await peer.untilClosed()).toHaveLength(0);
    peer.end();
    await until("it is closed", () => broker.getStats().connections === 0);
    expect(hasFailed).toBe(false);
  },
);

test("a frame of exactly the limit is taken", async (t) => {
  const broker = await startBroker(t, { maxFrameBytes: 1_024 });
  const peer = await connectPeer(t, broker.port);
  expect((await peer.ask(JSON.stringify(PING).padEnd(1_024))).response).toBe("PONG");
  expect((await peer.ask(JSON.stringify(PING).padEnd(1_025))).code).toBe(1);
});

test("after the announced length of a refused frame the line is closed", async (t) => {
  const broker = await startBroker(t, { maxFrameBytes: 1_024 });
  const peer = await connectPeer(t, broker.port);
  peer.write(headerOf(100_000));
  expect((await peer.frame()).code).toBe(1);
  peer.write(Buffer.alloc(100_000));
  await until("it is closed", () => broker.getStats().connections === 0);
});

test("a queue's name has a limit in bytes", async (t) => {
  const broker = await startBroker(t, { maxQueueNameBytes: 10 });
  const peer = await connectPeer(t, broker.port);
  expect((await peer.ask(size("é".repeat(5)))).response).toBe("0");
  for (const request of [size, (name: string) => push(name, "m"), pop]) {
    const peer = await connectPeer(t, broker.port);
    const answer = await peer.ask(request(`${"é".repeat(5)}x`));
    expect(answer).toMatchObject({ code: 1, response: null });
    expect(answer.reason).toContain("maxQueueNameBytes (10)");
  }
  expect(broker.getStats().queues).toBe(0);
});

test("connections beyond the limit are closed at once, and one that goes makes room", async (t) => {
  const broker = await startBroker(t, { maxConnections: 2 });
  const one = await connectPeer(t, broker.port);
  const two = await connectPeer(t, broker.port);
  await Promise.all([one.ask(PING), two.ask(PING)]);
  const third = await connectPeer(t, broker.port);
  expect(await third.untilClosed()).toHaveLength(0);
  expect(broker.getStats()).toMatchObject({ connections: 2, connectionsRefused: 1 });
  one.end();
  await until("there is room", () => broker.getStats().connections === 1);
  const fourth = await connectPeer(t, broker.port);
  expect((await fourth.ask(PING)).response).toBe("PONG");
});

test("a header that does not become complete ends the connection without an answer", async (t) => {
  const broker = await startBroker(t, { headerTimeoutMs: 50 });
  const peer = await connectPeer(t, broker.port);
  peer.write(Buffer.alloc(3));
  expect(await peer.untilClosed()).toHaveLength(0);
});

test.for([0, 5])(
  "a frame that stops after %d bytes of its body ends the connection",
  async (n, t) => {
    const broker = await startBroker(t, { frameTimeoutMs: 50 });
    const peer = await connectPeer(t, broker.port);
    peer.write(frameOf(PING).subarray(0, 8 + n));
    expect(await peer.untilClosed()).toHaveLength(0);
    await until("memory is free", () => broker.getStats().heldBytes === 0);
  },
);

test("a large frame that stops gives its memory back", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 50 });
  const peer = await connectPeer(t, broker.port);
  peer.write(Buffer.concat([headerOf(10 * MiB), Buffer.alloc(3 * MiB, "x")]));
  await until("memory is held", () => broker.getStats().heldBytes > MiB);
  expect(await peer.untilClosed()).toHaveLength(0);
  await until("memory is free", () => broker.getStats().heldBytes === 0);
});

test("a frame that goes on, byte for byte, may take longer than its deadline", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 300 });
  const peer = await connectPeer(t, broker.port);
  const clock = await connectPeer(t, broker.port);
  const frame = frameOf(PING);
  peer.write(frame.subarray(0, 10));
  for (let at = 10; at < 15; at++) {
    // Held and told not ready after 100 ms: the clock of this test.
    expect((await clock.ask(pop("nothing", 0.2))).code).toBe(2);
    peer.write(frame.subarray(at, at + 1));
  }
  peer.write(frame.subarray(15));
  expect((await peer.frame()).response).toBe("PONG");
});

test("a connection that asks for nothing is closed after the idle time, one that asks is not", async (t) => {
  const broker = await startBroker(t, { idleTimeoutMs: 300 });
  const idle = await connectPeer(t, broker.port);
  const used = await connectPeer(t, broker.port);
  const silent = await connectPeer(t, broker.port);
  await idle.ask(PING);
  for (let i = 0; i < 5; i++) expect((await used.ask(pop("nothing", 0.2))).code).toBe(2);
  expect(await silent.untilClosed()).toHaveLength(0);
  expect(await idle.untilClosed()).toHaveLength(0);
  expect((await used.ask(PING)).response).toBe("PONG");
});

test("with the memory full pushes are refused before memory is taken, and it heals", async (t) => {
  const broker = await startBroker(t, { maxHeldBytes: 4 * MiB });
  const producer = await connectPeer(t, broker.port);
  const text = "x".repeat(MiB - 1_000);
  let stored = 0;
  while ((await pushThrough(producer, "q", text)).code === 0) stored++;
  expect(stored).toBe(3);
  const { heldBytes } = broker.getStats();
  expect(heldBytes).toBeLessThanOrEqual(4 * MiB);

  // A frame for which there is no room is refused while it arrives, and its sender is not reset.
  const large = await connectPeer(t, broker.port);
  large.send(push("q", "y".repeat(3 * MiB)));
  expect((await large.frame()).reason).toBe("Queue is full");
  expect(broker.getStats().heldBytes).toBeLessThanOrEqual(4 * MiB);
  await until("its memory is free", () => broker.getStats().heldBytes === heldBytes);

  const consumer = await connectPeer(t, broker.port);
  for (let i = 0; i < stored; i++) expect(await popThrough(consumer, "q")).toBe(text);
  await until("all memory is free", () => broker.getStats().heldBytes === 0);
  const again = await connectPeer(t, broker.port);
  expect((await pushThrough(again, "q", "y".repeat(MiB))).response).toBe("Data stored.");
});

test("headers that announce much and send nothing take no memory", async (t) => {
  const broker = await startBroker(t);
  const before = broker.getStats().heldBytes;
  for (let i = 0; i < 200; i++) {
    const peer = await connectPeer(t, broker.port);
    peer.write(headerOf(300 * MiB));
  }
  await settled(t, broker.port);
  expect(broker.getStats().connections).toBeGreaterThanOrEqual(200);
  expect(broker.getStats().heldBytes).toBe(before);
});

test("queue full refuses only, and the connection can be used on", async (t) => {
  const broker = await startBroker(t, { brokerParams: { maxQueueSize: 1 } });
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  for (let i = 0; i < 3; i++) {
    const answer = await peer.ask(push("q", "n"));
    expect(answer).toMatchObject({ code: 1, reason: "Queue is full", response: null });
    expect(answer.members.transaction_id).toBeNull();
  }
  expect(await popThrough(peer, "q")).toBe("m");
  expect((await pushThrough(peer, "q", "n")).response).toBe("Data stored.");
});
