/**
 * Goal: each wait for an ACK ends when it should: `timeout` for its first byte, then the deadlines of a
 * frame; clamped where the request asks for more than the broker allows.
 * Method: order of events. A PUSH that is never acknowledged is the clock: its refusal comes when
 * its own timeout is over.
 */
import { expect, test } from "vitest";
import { connectPeer, frameOf, headerOf } from "../helpers/raw-peer.js";
import { ack, passed, pop, push } from "../helpers/requests.js";
import { preload, startBroker, takeAll } from "../helpers/start-broker.js";

test("an ACK whose first byte came in time may take longer than its timeout", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m", 0.2));
  const frame = frameOf(ack(first.id));
  peer.write(frame.subarray(0, 1));
  await passed(t, broker.port, 0.4);
  peer.write(frame.subarray(1, 20));
  await passed(t, broker.port, 0.3);
  peer.write(frame.subarray(20));
  expect((await peer.frame()).response).toBe("Data stored.");
});

test("an ACK whose header does not arrive in time is refused, readably", async (t) => {
  const broker = await startBroker(t, { headerTimeoutMs: 50 });
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m", 30));
  peer.write(headerOf(71).subarray(0, 5));
  expect(await peer.frame()).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await peer.untilClosed()).toHaveLength(0);
});

test("an ACK that stops in its body is refused after the frame deadline", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 50 });
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(pop("q", 30));
  peer.write(frameOf(ack(first.id)).subarray(0, 30));
  expect(await peer.frame()).toMatchObject({ reason: "ACK not received.", id: first.id });
  expect(await takeAll(broker, "q")).toEqual(["m"]);
});

test.for([
  ["null", null],
  ["huge", 1e10],
  ["above Node's longest timer", 2_147_484],
] as const)("a timeout that is %s is clamped, for PUSH and POP alike", async ([, timeout], t) => {
  const broker = await startBroker(t, { maxAckWaitMs: 50 });
  await preload(broker, "q", "m");
  const producer = await connectPeer(t, broker.port);
  await producer.ask(push("p", "m", timeout));
  expect((await producer.frame()).reason).toBe("ACK not received.");
  const consumer = await connectPeer(t, broker.port);
  await consumer.ask(pop("q", timeout));
  expect((await consumer.frame()).reason).toBe("ACK not received.");
  expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0 });
});

test("Infinity is clamped, NaN and less than 0 are refused before a POP takes anything", async (t) => {
  const broker = await startBroker(t, { maxAckWaitMs: 50 });
  await preload(broker, "q", "m");
  const popWith = (timeout: string) => `{"command":"POP","queue_name":"q","timeout":${timeout}}`;
  const peer = await connectPeer(t, broker.port);
  expect((await peer.ask(popWith("Infinity"))).response).toBe("m");
  expect((await peer.frame()).reason).toBe("ACK not received.");
  for (const timeout of ["NaN", "-1", "-Infinity", "-0.001"]) {
    const other = await connectPeer(t, broker.port);
    const answer = await other.ask(popWith(timeout));
    expect(answer).toMatchObject({ code: 1, response: null });
    expect(answer.reason).toContain("timeout");
    expect(await other.untilClosed()).toHaveLength(0);
  }
  expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0 });
});

test("a PUSH with timeout 0 or less gets both its answers at once", async (t) => {
  const broker = await startBroker(t);
  for (const timeout of [0, -1, -1e300]) {
    const peer = await connectPeer(t, broker.port);
    const first = await peer.ask(push("q", "m", timeout));
    expect(first.code).toBe(0);
    expect(await peer.frame()).toMatchObject({ reason: "ACK not received.", id: first.id });
  }
  expect(broker.getStats()).toMatchObject({ ready: 0, queues: 0, heldBytes: 0 });
});

test("a POP with timeout 0 is not held, and its ACK may still come", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "m");
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(pop("q", 0));
  expect(first.response).toBe("m");
  await passed(t, broker.port, 0.1);
  expect((await peer.ask(ack(first.id))).response).toBe("Data processed.");
  expect((await peer.ask(pop("q", 0))).code).toBe(2);
});

test("a good ACK that comes after the refusal changes nothing", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const first = await peer.ask(push("q", "m", 0.05));
  expect((await peer.frame()).reason).toBe("ACK not received.");
  peer.send(ack(first.id));
  expect(await peer.untilClosed()).toHaveLength(0);
  await passed(t, broker.port, 0.05);
  expect(broker.getStats()).toMatchObject({ ready: 0, stored: 0 });
});
