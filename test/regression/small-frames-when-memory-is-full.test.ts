/**
 * Goal: with the memory full, consumers can still take and acknowledge what fills it. A POP must never
 * be told "Queue is full": clients take code 1 as the end of their job.
 * Method: fill the memory, then send POP and ACK in pieces, so that their bodies have to be put
 * together from several chunks.
 */
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { connectPeer, frameOf, type RawPeer } from "../helpers/raw-peer.js";
import { ack, PING, pop, push } from "../helpers/requests.js";
import { preload, startBroker } from "../helpers/start-broker.js";

const MiB = 1024 * 1024;

test("a POP and its ACK that arrive in pieces work while the memory is full", async (t) => {
  const broker = await startBroker(t, { maxHeldBytes: MiB });
  // Three messages, with what they cost besides their bytes, take all that is not kept for results.
  const text = "x".repeat(0.3 * MiB - 1_500);
  await preload(broker, "qq", text, text, text);
  expect(broker.getStats().heldBytes).toBeGreaterThan(0.89 * MiB);

  const producer = await connectPeer(t, broker.port);
  expect((await producer.ask(push("qq", "y".repeat(0.02 * MiB)))).reason).toBe("Queue is full");

  const consumer = await connectPeer(t, broker.port);
  await inPieces(consumer, frameOf(pop("qq")), producer);
  const first = await consumer.frame();
  expect(first.response).toBe(text);
  await inPieces(consumer, frameOf(ack(first.id)), producer);
  expect((await consumer.frame()).response).toBe("Data processed.");
  await until("the memory is free", () => broker.getStats().heldBytes < MiB * 0.7);

  expect((await producer.ask(push("qq", "y".repeat(0.02 * MiB)))).code).toBe(0);
});

/** Header with half the body, then the rest; the other peer's PONG shows that the half was read. */
async function inPieces(peer: RawPeer, frame: Buffer, other: RawPeer): Promise<void> {
  const half = 8 + ((frame.length - 8) >> 1);
  peer.write(frame.subarray(0, half));
  await other.ask(PING);
  peer.write(frame.subarray(half));
}
