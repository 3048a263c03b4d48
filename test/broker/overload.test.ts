/**
 * Goal: a broker that is full says so at once and goes on with what it has: results still get in, and
 * what is worked off makes room again.
 * Method: a memory and a disk of the smallest size that options allow, filled over real lines.
 */
import { expect, test } from "vitest";
import type { SimpleMessageBroker } from "../../src/runtime/index.js";
import { connectPeer, type RawPeer } from "../helpers/raw-peer.js";
import { jobThrough, popThrough, pushThrough, size } from "../helpers/requests.js";
import { startBroker } from "../helpers/start-broker.js";

const MiB = 1024 * 1024;
const BODY = "x".repeat(40_000);

/** Pushes until it is refused; how often it was not. */
async function fill(peer: RawPeer, queueName: string): Promise<number> {
  for (let count = 0; ; count++) {
    // Equal pushes are told apart by their line, which is the same one here.
    const { code, reason } = await pushThrough(peer, queueName, `${count} ${BODY}`);
    if (code === 0) continue;
    expect(reason).toBe("Queue is full");
    return count;
  }
}

/** Everything of a queue, by its first word. */
async function drain(peer: RawPeer, queueName: string): Promise<number[]> {
  const numbers = [];
  for (;;) {
    const text = await popThrough(peer, queueName);
    if (text === null) return numbers;
    numbers.push(Number(String(text).split(" ")[0]));
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

test.for([
  ["the memory", { maxHeldBytes: MiB }],
  ["the disk", { durability: "fsync", maxStoredBytes: MiB, segmentBytes: 64 * 1024 }],
] as const)("when %s is full, jobs in work get their results in", async ([, options], t) => {
  const broker: SimpleMessageBroker = await startBroker(t, { ...options, maxRetainedBytes: 0 });
  const peer = await connectPeer(t, broker.port);
  const jobId = await jobThrough(peer, "work");
  const count = await fill(peer, "q");
  expect(count).toBeGreaterThan(15);
  expect(broker.getStats().pushesRefused).toBe(1);
  // Half of the tenth that is kept for results, which no push may use.
  const small = "y".repeat(MiB / 20);
  expect((await pushThrough(peer, "other", small)).reason).toBe("Queue is full");
  expect((await pushThrough(peer, jobId, small)).response).toBe("Data stored.");
  expect(await popThrough(peer, jobId)).toBe(small);
  // Nothing was lost by that, and there is room again; a disk needs a moment for it.
  expect(await drain(peer, "q")).toEqual(upTo(count));
  while ((await pushThrough(peer, "other", small)).reason === "Queue is full");
  expect((await peer.ask(size("other"))).response).toBe("1");
});

test("a queue with its own bounds in bytes and messages leaves the others alone", async (t) => {
  const brokerParams = { maxQueueBytes: 100_000, maxQueueSize: 3 };
  const broker = await startBroker(t, { brokerParams });
  const peer = await connectPeer(t, broker.port);
  expect(await fill(peer, "q")).toBe(2);
  for (const text of ["a", "b", "c"]) {
    expect((await pushThrough(peer, "small", text)).response).toBe("Data stored.");
  }
  expect((await pushThrough(peer, "small", "d")).reason).toBe("Queue is full");
  expect((await peer.ask(size("small"))).response).toBe("3");
  await drain(peer, "q");
  expect((await pushThrough(peer, "q", BODY)).response).toBe("Data stored.");
});

test("fetched results give way to pushes when memory is short, and say that they did", async (t) => {
  const broker = await startBroker(t, { maxHeldBytes: MiB });
  const peer = await connectPeer(t, broker.port);
  const ids = [];
  for (let i = 0; i < 5; i++) {
    const jobId = await jobThrough(peer, "work");
    await pushThrough(peer, jobId, `${BODY}${BODY}`);
    await popThrough(peer, jobId);
    ids.push(jobId);
  }
  expect(broker.getStats().jobs?.retainedResults).toBe(5);
  await fill(peer, "q");
  expect(broker.getStats().jobs?.retainedResults).toBe(0);
  const answer = await peer.ask({ command: "POP", queue_name: ids[0], timeout: 0 });
  expect(answer.code).toBe(1);
  expect(answer.reason).toMatch(/^Result expired at /);
});

test("a disk that was filled and emptied gives its place back", async (t) => {
  const options = { durability: "os", maxStoredBytes: MiB, segmentBytes: 64 * 1024 } as const;
  const broker = await startBroker(t, options);
  const peer = await connectPeer(t, broker.port);
  for (let round = 0; round < 4; round++) {
    const count = await fill(peer, "q");
    expect(count).toBeGreaterThan(15);
    expect(broker.getStats().store.storedBytes).toBeLessThanOrEqual(MiB);
    expect(await drain(peer, "q")).toEqual(upTo(count));
  }
});
