/**
 * Goal: polled names, idle connections and slow senders cost next to nothing, in any number.
 * Method: a million names polled in process and thousands over TCP; ten thousand idle connections and
 * a thousand that send a byte at a time, against a broker in a process of its own.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { startSimpleMessageBroker } from "../../src/runtime/index.js";
import { connectPeer, frameOf, type RawPeer } from "../helpers/raw-peer.js";
import { ack, PING, pop, popThrough, push, pushThrough } from "../helpers/requests.js";
import { startBroker } from "../helpers/start-broker.js";

const MiB = 1024 * 1024;
const KiB = 1024;
const IDLE = 10_000;
const SLOW = 1_000;
/** Descriptors for this test's ends of the connections, and some for the tests beside it. */
const DESCRIPTORS = IDLE + SLOW + 4_000;

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

test("a million polled names leave no queue and no memory", async (t) => {
  const broker = await startBroker(t);
  for (let i = 0; i < 10_000; i++) await broker.take(`warm ${i}`, { waitMs: 0 });
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1_000_000; i++) await broker.take(`job ${i}`, { waitMs: 0 });
  collectGarbage();
  expect(broker.getStats()).toMatchObject({ queues: 0, waiters: 0, heldBytes: 0 });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 * MiB);
});

test("thousands of names polled and held over the network leave no queue", async (t) => {
  const broker = await startBroker(t, { maxHoldMs: 1 });
  const peer = await connectPeer(t, broker.port);
  const frames = Array.from({ length: 3_000 }, (_, i) => frameOf(pop(`job ${i}`, i % 2 ? 0 : 60)));
  peer.write(Buffer.concat(frames));
  for (let i = 0; i < frames.length; i++) expect((await peer.frame()).code).toBe(2);
  expect(broker.getStats()).toMatchObject({ queues: 0, waiters: 0, heldBytes: 0, pops: 3_000 });
});

test("what is kept of small messages in padded frames is what is counted for them", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 2_000; i++) {
    const first = await peer.ask(JSON.stringify(push("q", "m")).padEnd(30_000));
    expect((await peer.ask(ack(first.id))).response).toBe("Data stored.");
  }
  // V8 gives buffers back beside the program: one collection is over before the figure has fallen.
  await expect
    .poll(keptBytes, { timeout: 10_000 })
    .toBeLessThan(broker.getStats().heldBytes + 30 * MiB);

  function keptBytes(): number {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before;
  }
});

test("ten thousand idle connections and a thousand slow ones do not keep it from serving", async (t) => {
  const descriptors = Number(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
  if (descriptors < DESCRIPTORS) {
    t.skip(`NOT TESTED: ${DESCRIPTORS} open files are needed, ulimit -n is ${descriptors}`);
  }
  const broker = await startSimpleMessageBroker({ port: 0 });
  t.onTestFinished(() => broker.stop());
  const before = residentBytes(broker.pid);
  const idle = await connectMany(IDLE);
  const after = residentBytes(broker.pid);
  if (before > 0) expect((after - before) / IDLE).toBeLessThan(20 * KiB);

  const slow = await connectMany(SLOW);
  const client = await connectPeer(t, broker.port);
  const frame = frameOf(PING);
  for (const [i, byte] of frame.entries()) {
    for (const peer of slow) peer.write(Buffer.of(byte));
    expect((await pushThrough(client, "q", `m${i}`)).response).toBe("Data stored.");
    expect(await popThrough(client, "q")).toBe(`m${i}`);
  }
  for (const peer of slow) expect((await peer.frame()).response).toBe("PONG");
  for (const peer of idle) expect(peer.socket.readableEnded).toBe(false);
  expect((await (idle.at(-1) as RawPeer).ask(PING)).response).toBe("PONG");

  async function connectMany(count: number): Promise<RawPeer[]> {
    const peers: RawPeer[] = [];
    while (peers.length < count) {
      const batch = Array.from({ length: 500 }, () => connectPeer(t, broker.port));
      peers.push(...(await Promise.all(batch)));
    }
    // An answer on the last one shows that the broker has accepted them all.
    expect((await (peers.at(-1) as RawPeer).ask(PING)).response).toBe("PONG");
    return peers;
  }
});

/** Memory that the process uses, where the system tells; else 0. */
function residentBytes(pid: number): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return Number(pages) * 4 * KiB;
  } catch {
    return 0;
  }
}
