// Failure: a peer that had announced a large frame and sent a byte now and then kept its buffer for
// ever. Method: such a peer against a short frame deadline; the broker must end it and free it.
import { connect } from "node:net";
import { expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { startBroker } from "../helpers/start-broker.js";

test("is ended, and what it held is free again", async (t) => {
  const broker = await startBroker(t, { frameTimeoutMs: 250 });
  const peer = connect(broker.port, "127.0.0.1");
  t.onTestFinished(() => {
    peer.destroy();
  });
  // The line is reset: "close" tells it, with or without an "error" before.
  peer.on("error", () => {});
  const closed = new Promise((resolve) => peer.on("close", resolve));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(4 * 1024 * 1024, 4);
  peer.write(Buffer.concat([header, Buffer.alloc(300 * 1024, "x")]));
  await until("the bytes are held", () => broker.getStats().heldBytes > 300 * 1024);
  const drip = setInterval(() => peer.write("x"), 50);
  await closed;
  clearInterval(drip);
  await until("the memory is free", () => broker.getStats().heldBytes === 0);
  expect(broker.getStats().connections).toBe(0);
});
