/**
 * Goal: a client with many calls in flight needs one connection, what one call does or suffers is no
 * other call's business, and nothing is lost or doubled when that connection is.
 * Method: clients against a broker in this process, with a line between them that can be cut.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { type Cleanup, preload, startBroker, takeAll } from "../helpers/start-broker.js";
import { startProxy } from "../helpers/tcp-proxy.js";

const QUEUE = "q";

function clientOf(t: Cleanup, port: number, options: { maxConnections?: number } = {}) {
  const client = new SimpleClient({ host: "127.0.0.1", port, ...options });
  t.onTestFinished(() => client.close());
  return client;
}

test("many calls at a time share one connection", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  const held = Array.from({ length: 100 }, () => client.fetchMessage(QUEUE));
  await expect.poll(() => broker.getStats().waiters).toBe(100);
  expect(broker.getStats().connections).toBe(1);
  const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
  await Promise.all(texts.map((text) => client.submitMessage(QUEUE, text)));
  expect((await Promise.all(held)).sort()).toEqual(texts.sort());
  expect(broker.getStats().connections).toBe(1);
});

test("a large message has a connection of its own, so that small ones need not wait", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  const large = "x".repeat(200_000);
  await client.submitMessage(QUEUE, large);
  await client.submitMessage(QUEUE, "small");
  expect(broker.getStats().connections).toBe(2);
  expect(await client.fetchMessage(QUEUE)).toBe(large);
  expect(await client.fetchMessage(QUEUE)).toBe("small");
});

test("what is escaped to more than a shared connection carries has its own, too", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  const text = "\u0001".repeat(20_000);
  await client.submitMessage(QUEUE, text);
  expect(await client.fetchMessage(QUEUE)).toBe(text);
  await client.size("\u0001".repeat(170));
  await expect(client.size("q".repeat(80_000))).rejects.toMatchObject({ code: "CLIENT_REFUSED" });
  expect(await client.size(QUEUE)).toBe(0);
});

test("a call that is given up leaves the others alone", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  const others = Array.from({ length: 3 }, () => client.fetchMessage("others"));
  const stop = new AbortController();
  const stopped = client.fetchMessage(QUEUE, { signal: stop.signal });
  await expect.poll(() => broker.getStats().waiters).toBe(4);
  stop.abort(new Error("enough"));
  await expect(stopped).rejects.toThrow("enough");
  expect(await client.fetchMessage(QUEUE, { timeoutMs: 1 })).toBeUndefined();
  await expect.poll(() => broker.getStats().waiters).toBe(3);
  await preload(broker, "others", "a", "b", "c");
  expect((await Promise.all(others)).sort()).toEqual(["a", "b", "c"]);
  expect(broker.getStats().connections).toBe(1);
});

test("several signals may end a call", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  const [first, second] = [new AbortController(), new AbortController()];
  const signal = [first.signal, second.signal];
  const fetched = client.fetchMessage(QUEUE, { signal });
  await expect.poll(() => broker.getStats().waiters).toBe(1);
  second.abort(new Error("the second"));
  await expect(fetched).rejects.toThrow("the second");
  await expect(client.size(QUEUE, { signal })).rejects.toThrow("the second");
});

test("a cut under many pushes stores each of them once", async (t) => {
  const broker = await startBroker(t);
  const proxy = await startProxy(t, broker.port);
  const client = clientOf(t, proxy.port);
  const texts = Array.from({ length: 300 }, (_, index) => `text ${index}`);
  for (let cut = 0; cut < 3; cut++) {
    const part = texts.slice(cut * 100, cut * 100 + 100);
    const pushed = Promise.all(part.map((text) => client.submitMessage(QUEUE, text)));
    await expect.poll(() => broker.getStats().stored).toBeGreaterThan(cut * 100);
    proxy.cut();
    proxy.mend();
    await pushed;
  }
  expect((await takeAll(broker, QUEUE)).sort()).toEqual(texts.sort());
});

test("a cut under held fetches is mended, and each message comes once", async (t) => {
  const broker = await startBroker(t);
  const proxy = await startProxy(t, broker.port);
  const client = clientOf(t, proxy.port);
  const held = Array.from({ length: 20 }, () => client.fetchMessage(QUEUE));
  await expect.poll(() => broker.getStats().waiters).toBe(20);
  proxy.cut();
  proxy.mend();
  await expect.poll(() => broker.getStats().waiters).toBe(20);
  const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
  await preload(broker, QUEUE, ...texts);
  expect((await Promise.all(held)).sort()).toEqual(texts.sort());
});

test("a broker that ended the idle connection is found again without a word", async (t) => {
  const broker = await startBroker(t, { idleTimeoutMs: 30 });
  const client = clientOf(t, broker.port);
  for (const text of ["one", "two"]) {
    await client.submitMessage(QUEUE, text);
    await expect.poll(() => broker.getStats().connections).toBe(0);
  }
  expect(await takeAll(broker, QUEUE)).toEqual(["one", "two"]);
});

test("a close gives back what was handed out, and ends what waits", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, QUEUE, "one");
  const client = clientOf(t, broker.port);
  const delivery = await client.fetchDelivery(QUEUE);
  const waiting = client.fetchMessage("nothing");
  await expect.poll(() => broker.getStats().waiters).toBe(1);
  await client.close();
  await expect(waiting).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  expect(delivery?.lost.aborted).toBe(true);
  await expect.poll(() => broker.getStats()).toMatchObject({ ready: 1, waiters: 0 });
});

test("a close while a job is on its way to waiting fetches does not lose it", async (t) => {
  const broker = await startBroker(t, { maxDeliveries: 1 });
  const producer = clientOf(t, broker.port);
  for (let round = 0; round < 20; round++) {
    const queue = `q${round}`;
    const consumer = clientOf(t, broker.port);
    const ends = Promise.allSettled(Array.from({ length: 4 }, () => consumer.fetchDelivery(queue)));
    await expect.poll(() => broker.getStats().waiters).toBe(4);
    const pushed = producer.submitMessage(queue, "{}", { forNvIngest: true });
    await consumer.close();
    const { transactionId } = await pushed;
    const isTaken = (await ends).some((end) => end.status === "fulfilled" && end.value);
    if (isTaken) await producer.fetchMessage(transactionId);
    else await expect.poll(() => producer.size(queue)).toBe(1);
  }
});

test("calls that share no more channels wait for one", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, QUEUE, "one");
  const client = clientOf(t, broker.port, { maxConnections: 1 });
  const delivery = await client.fetchDelivery(QUEUE);
  await expect(client.size(QUEUE, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "CLIENT_CONNECTIONS_USED_UP",
  });
  const waiting = client.submitMessage(QUEUE, "x".repeat(100_000));
  await delivery?.acknowledge();
  await waiting;
  expect(await client.size(QUEUE)).toBe(1);
});

test("a delivery whose result is stored is settled without an answer", async (t) => {
  const broker = await startBroker(t);
  const client = clientOf(t, broker.port);
  const { transactionId } = await client.submitMessage(QUEUE, "{}", { forNvIngest: true });
  const delivery = await client.fetchDelivery(QUEUE);
  await client.submitMessage(transactionId, "result", { leaseId: delivery?.leaseId });
  await delivery?.acknowledge();
  expect(await client.size(QUEUE)).toBe(0);
  expect(broker.getStats()).toMatchObject({ inFlight: 0, delivered: 1 });
  await expect(delivery?.acknowledge()).rejects.toMatchObject({ code: "CLIENT_DELIVERY_SETTLED" });
});

test("a connection that nobody uses keeps no process alive, and the last words get out", async (t) => {
  const broker = await startBroker(t);
  await preload(broker, QUEUE, "one");
  const index = new URL("../../dist/index.js", import.meta.url).href;
  const program = `
    import { SimpleClient } from ${JSON.stringify(index)};
    const client = new SimpleClient({ host: "127.0.0.1", port: ${broker.port} });
    console.log(await client.fetchMessage("q"));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
  const printed: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  const [code] = await once(child, "close");
  expect([code, Buffer.concat(printed).toString()]).toEqual([0, "one\n"]);
  await expect.poll(() => broker.getStats()).toMatchObject({ ready: 0, inFlight: 0, delivered: 1 });
});
