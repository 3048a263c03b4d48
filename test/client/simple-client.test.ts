/**
 * Goal: what SimpleClient does beyond the suite, with a broker of ours: connections it keeps and
 * their number. Method: a real broker over TCP, whose counters show what the client does.
 */
import { expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { until } from "../../src/testing/index.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";

const QUEUE = "jobs";

test("one connection serves many calls, and an idle client does not use more", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  for (let count = 0; count < 20; count++) {
    await client.submitMessage(QUEUE, `message ${count}`);
    await client.fetchMessage(QUEUE);
  }
  await until("the line of the first question is gone", () => broker.getStats().connections === 1);
  await client.close();
  await until("the last line is gone", () => broker.getStats().connections === 0);
});

test("calls above maxConnections wait for a line, and fail when none comes in time", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port, { maxConnections: 1 });
  await client.submitMessage(QUEUE, "one");
  const delivery = await client.fetchDelivery(QUEUE);
  const size = client.size(QUEUE);
  await expect(client.size(QUEUE, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "CLIENT_CONNECTIONS_USED_UP",
  });
  await delivery?.acknowledge();
  expect(await size).toBe(0);
});

test("a call that gave up its place in the line does not keep the next one from it", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port, { maxConnections: 1 });
  await client.submitMessage(QUEUE, "one");
  const delivery = await client.fetchDelivery(QUEUE);
  const stop = new AbortController();
  const aborted = expect(client.size(QUEUE, { signal: stop.signal })).rejects.toThrow("enough");
  const patient = client.size(QUEUE, { timeoutMs: 25_000 });
  const acknowledged = delivery?.acknowledge();
  stop.abort(new Error("enough"));
  await Promise.all([aborted, acknowledged]);
  expect(await patient).toBe(0);
});

function clientOf(t: Cleanup, port: number, options: { maxConnections?: number } = {}) {
  const client = new SimpleClient({ host: "127.0.0.1", port, ...options });
  t.onTestFinished(() => client.close());
  return client;
}
