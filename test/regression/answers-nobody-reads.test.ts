/**
 * Goal: a peer that asks and never reads cannot fill the broker's memory with answers.
 * Method: it pipelines requests without reading. The broker must stop taking them after what a
 * socket buffers, and answer all of them, in order, once the peer reads. A peer that never reads is
 * let go after the frame deadline.
 */
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf } from "../helpers/raw-peer.js";
import { PING, size } from "../helpers/requests.js";
import { startBroker } from "../helpers/start-broker.js";

const ASKED = 300_000;
const BATCH = 10_000;

test("a broker takes no more requests from a peer that does not read its answers", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  peer.socket.pause();
  const batch = Buffer.concat(Array.from({ length: BATCH }, () => frameOf(size("q"))));
  for (let sent = 0; sent < ASKED; sent += BATCH) peer.write(batch);
  // What was taken is answered in the same turn, so a count that rests for long has stopped.
  let before = 0;
  let looksAtRest = 0;
  await until("the broker takes no more requests", () => {
    const { sizes } = broker.getStats();
    looksAtRest = sizes === before ? looksAtRest + 1 : 0;
    before = sizes;
    return sizes > 0 && looksAtRest > 100;
  });
  const other = await connectPeer(t, broker.port);
  expect((await other.ask(PING)).response).toBe("PONG");
  expect(before).toBeLessThan(ASKED / 2);

  peer.socket.resume();
  const answer = frameOf((await other.ask(size("q"))).text);
  const all = await peer.bytes(ASKED * answer.length);
  const isAnswer = (_: unknown, i: number) =>
    all.compare(answer, 0, answer.length, i * answer.length, (i + 1) * answer.length) === 0;
  expect(Array.from({ length: ASKED }).every(isAnswer)).toBe(true);
  expect(broker.getStats().sizes).toBe(ASKED + 1);
});

test("a peer that never reads its answers is let go after the frame deadline", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 100 });
  const peer = await connectPeer(t, broker.port);
  peer.socket.pause();
  peer.write(Buffer.concat(Array.from({ length: 200_000 }, () => frameOf(size("q")))));
  await until("it is there", () => broker.getStats().sizes > 0);
  await until("it is gone", () => broker.getStats().connections === 0);
});

test("a peer that has closed its side and never reads is let go as well", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 100 });
  const peer = await connectPeer(t, broker.port);
  peer.socket.pause();
  peer.write(Buffer.concat(Array.from({ length: 200_000 }, () => frameOf(size("q")))));
  peer.end();
  await until("it was there", () => broker.getStats().sizes > 0);
  await until("it is gone", () => broker.getStats().connections === 0);
});
