/**
 * Goal: the seven zero bytes that free an old client's ACK body, each of the five rules of their use.
 * Method: an ACK's header is sent alone, as old clients do, and every byte that comes back is looked
 * at. That nothing came back is known from exchanges on another connection afterwards.
 */
import { expect, test } from "vitest";
import { connectPeer, frameOf, headerOf, type RawPeer, settled } from "../helpers/raw-peer.js";
import { ack, PING, pop, push, size } from "../helpers/requests.js";
import { type Cleanup, preload, startBroker, takeAll } from "../helpers/start-broker.js";

const SEVEN_ZEROS = Buffer.alloc(7);
const KiB = 1024;

/** Fails unless the peer has received exactly `count` bytes in all, now and after a while. */
async function expectReceived(t: Cleanup, port: number, peer: RawPeer, count: number) {
  await settled(t, port);
  expect(peer.socket.bytesRead).toBe(count);
}

test("an ACK's header alone is answered by seven zeros, its body by the rest of the frame", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  const frame = frameOf(ack(first.id));
  peer.write(frame.subarray(0, 8));
  expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
  peer.write(frame.subarray(8));
  expect(await peer.frame(7)).toMatchObject({ code: 0, response: "Data stored.", id: first.id });
});

test("the same holds for a POP, and for a refused ACK", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  for (const [value, reason] of [
    [true, "OK"],
    [false, "ACK not received."],
  ] as const) {
    await preload(broker, "q", "m");
    const first = await peer.ask(pop("q"));
    const frame = frameOf(ack(first.id, value));
    peer.write(frame.subarray(0, 8));
    expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
    peer.write(frame.subarray(8));
    expect(await peer.frame(7)).toMatchObject({ reason, id: first.id });
  }
});

test("rule 1: never at a request, whatever part of its header or body is there", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const frame = frameOf(PING);
  for (const end of [3, 8, 9]) {
    peer.write(frame.subarray(end === 3 ? 0 : end === 8 ? 3 : 8, end));
    await expectReceived(t, broker.port, peer, 0);
  }
  peer.write(frame.subarray(9));
  expect((await peer.frame()).response).toBe("PONG");
});

test("rule 1: not at a request that follows a handshake on the same connection", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  await peer.ask(ack(first.id));
  const received = peer.socket.bytesRead;
  peer.write(frameOf(size("q")).subarray(0, 8));
  await expectReceived(t, broker.port, peer, received);
  peer.write(frameOf(size("q")).subarray(8));
  expect((await peer.frame()).response).toBe("1");
});

test("rule 1: not before the header is complete, and not when a byte of the body is there", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  for (const cut of [7, 9]) {
    const first = await peer.ask(push("q", "m"));
    const received = peer.socket.bytesRead;
    const frame = frameOf(ack(first.id));
    peer.write(frame.subarray(0, cut));
    await expectReceived(t, broker.port, peer, received);
    peer.write(frame.subarray(cut));
    expect((await peer.frame()).response).toBe("Data stored.");
  }
});

test.for([1, 64 * KiB])("rule 1: an announced length of %d is within it", async (length, t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  peer.write(headerOf(length));
  expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
  const good = JSON.stringify(ack(first.id));
  const body = Buffer.from(length === 1 ? "x" : good.padEnd(length));
  peer.write(body.subarray(0, length >> 1));
  await settled(t, broker.port);
  peer.write(body.subarray(length >> 1));
  const final = length === 1 ? { reason: "ACK not received." } : { response: "Data stored." };
  expect(await peer.frame(7)).toMatchObject(final);
  expect(broker.getStats().heldBytes).toBeLessThan(2_000);
});

test.for([0n, 64n * 1024n + 1n, 2n ** 32n, 2n ** 62n, 2n ** 64n - 1n])(
  "rule 1: an announced length of %d is judged at once, without zeros",
  async (length, t) => {
    const broker = await startBroker(t);
    await preload(broker, "q", "m");
    const peer = await connectPeer(t, broker.port);
    const first = await peer.ask(pop("q"));
    const received = peer.socket.bytesRead;
    peer.write(headerOf(length));
    const final = await peer.frame();
    expect(final).toMatchObject({ code: 1, reason: "ACK not received.", id: first.id });
    expect(peer.socket.bytesRead - received).toBe(8 + Buffer.byteLength(final.text));
    expect(await peer.untilClosed()).toHaveLength(0);
    expect(await takeAll(broker, "q")).toEqual(["m"]);
  },
);

test("rule 2: a peer that sends the header again and again gets the zeros once", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  const header = headerOf(800);
  peer.write(header);
  expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
  const received = peer.socket.bytesRead;
  for (let i = 0; i < 5; i++) {
    peer.write(header);
    await expectReceived(t, broker.port, peer, received);
  }
  for (let i = 0; i < 95; i++) peer.write(header);
  expect(await peer.frame(7)).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await peer.untilClosed()).toHaveLength(0);
  expect(broker.getStats()).toMatchObject({ ready: 0, heldBytes: 0 });
});

test("rule 2: each transaction of a connection has its own", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  for (let i = 0; i < 20; i++) {
    const first = await peer.ask(push("q", "m"));
    const frame = frameOf(ack(first.id));
    if (i % 3 === 0) {
      peer.write(frame);
      expect((await peer.frame()).response).toBe("Data stored.");
      continue;
    }
    peer.write(frame.subarray(0, 8));
    expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
    peer.write(frame.subarray(8));
    expect((await peer.frame(7)).response).toBe("Data stored.");
  }
});

test("rule 3: with the zeros in front, a final response reads as one frame below 256 bytes", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  const frame = frameOf(ack(first.id));
  peer.write(frame.subarray(0, 8));
  const zeros = await peer.bytes(7);
  peer.write(frame.subarray(8));
  const header = Buffer.concat([zeros, await peer.bytes(1)]);
  const bodyBytes = Number(header.readBigUInt64BE());
  expect(bodyBytes).toBeGreaterThan(0);
  expect(bodyBytes).toBeLessThan(256);
  const body = JSON.parse((await peer.bytes(bodyBytes)).toString()) as Record<string, unknown>;
  expect(body).toMatchObject({ response: "Data stored.", transaction_id: first.id });
});

test("rule 4: when the body never comes, the refusal after the zeros is readable", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 50 });
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(pop("q"));
  peer.write(headerOf(71));
  expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
  expect(await peer.frame(7)).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await peer.untilClosed()).toHaveLength(0);
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});

test("rule 4: a peer that closes its side after the header reads the refusal too", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m"));
  peer.write(headerOf(71));
  expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
  peer.end();
  expect(await peer.frame(7)).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await peer.untilClosed()).toHaveLength(0);
});

test("rule 5: a stop after the zeros just closes, and the message is not lost before it", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  await peer.ask(pop("q"));
  peer.write(headerOf(71));
  expect(await peer.bytes(7)).toEqual(SEVEN_ZEROS);
  await broker.stop({ drainTimeoutMs: 20 });
  expect(await peer.untilClosed()).toHaveLength(0);
  expect(broker.getStats().dropped).toBe(1);
});
