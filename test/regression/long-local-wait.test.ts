/**
 * Goal: a wait in process that is longer than Node's longest timer waits, and a message settled
 * twice is counted once.
 * Method: wait "for ever", then store a message: it must be the wait that gets it.
 */
import { expect, test } from "vitest";
import { encodeBody } from "../../src/wire/index.js";
import { connectPeer } from "../helpers/raw-peer.js";
import { PING } from "../helpers/requests.js";
import { preload, startBroker } from "../helpers/start-broker.js";

test.for([2 ** 31, 1e12, Number.POSITIVE_INFINITY])(
  "a wait of %d ms does not end at once",
  async (waitMs, t) => {
    const broker = await startBroker(t);
    const taken = broker.take("q", { waitMs });
    // An exchange over TCP takes several turns of the event loop: a timer of 1 ms is over after it.
    const peer = await connectPeer(t, broker.port);
    for (let i = 0; i < 30; i++) await peer.ask(PING);
    expect(broker.getStats().waiters).toBe(1);
    broker.store("q", encodeBody("late"), { stampJobId: false });
    const held = await taken;
    expect(held?.body.toString()).toBe("late");
    held?.acknowledge();
  },
);

test("a message acknowledged twice, or after it was given back, is delivered once", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, "q", "a");
  const first = await broker.take("q", { waitMs: 0 });
  first?.release();
  first?.acknowledge();
  expect(broker.getStats()).toMatchObject({ ready: 1, delivered: 0 });
  const second = await broker.take("q", { waitMs: 0 });
  second?.acknowledge();
  second?.acknowledge();
  second?.release();
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0, delivered: 1, heldBytes: 0 });
});
