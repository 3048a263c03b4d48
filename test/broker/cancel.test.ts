/**
 * Goal: CANCEL ends a job wherever it is, with one result that says so, and tells what it came to.
 * Method: peers that speak bytes, for each state that a job can be in.
 */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Answer, connectPeer, type RawPeer } from "../helpers/raw-peer.js";
import {
  ack,
  cancel,
  dead,
  jobThrough,
  pop,
  popThrough,
  push,
  pushThrough,
  size,
} from "../helpers/requests.js";
import { startBroker } from "../helpers/start-broker.js";

const NO_ACK = "ACK not received.";

/** Fetches the result, which must be that of a cancelled job. */
async function expectCancelled(peer: RawPeer, jobId: string): Promise<void> {
  const text = await popThrough(peer, jobId);
  const { status, description, annotations } = JSON.parse(String(text));
  expect([status, description]).toEqual(["failed", "The job was cancelled."]);
  expect(Object.values(annotations)).toMatchObject([
    { task_id: "cancelled", task_result: "FAILURE", message: "cancelled" },
  ]);
}

/** What CANCEL came to. */
async function cancelled(peer: RawPeer, jobId: string): Promise<Answer["response"]> {
  const { code, response } = await peer.ask(cancel(jobId));
  expect(code).toBe(0);
  return response;
}

describe.each(["memory", "fsync"] as const)("with durability %s", (durability) => {
  test("a waiting job is never handed out, and its client gets its result at once", async (t) => {
    const broker = await startBroker(t, { durability });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    const client = await connectPeer(t, broker.port);
    client.send(pop(jobId, 60));
    expect(await cancelled(peer, jobId)).toBe("cancelled");
    const first = await client.frame();
    expect(String(first.response)).toContain("The job was cancelled.");
    await client.ask(ack(first.id));
    expect((await peer.ask(pop("work", 0))).code).toBe(2);
    await expectCancelled(peer, jobId);
    expect(broker.getStats().jobs).toMatchObject({ cancelled: 1, openJobs: 0, deadLetters: 0 });
  });

  test("who works on a running job hears that it is over, and its result is refused", async (t) => {
    const broker = await startBroker(t, { durability });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    const consumer = await connectPeer(t, broker.port);
    const first = await consumer.ask(pop("work", 60));
    expect(await cancelled(peer, jobId)).toBe("cancelled");
    expect(await consumer.frame()).toMatchObject({ reason: NO_ACK, id: first.id });
    expect(await consumer.untilClosed()).toHaveLength(0);
    const late = await pushThrough(peer, jobId, "late", { lease: first.id });
    expect(late).toMatchObject({ code: 1, reason: "Job is over" });
    await expectCancelled(peer, jobId);
    expect((await peer.ask(pop("work", 0))).code).toBe(2);
  });

  test("a job that its consumer acknowledged early is cancelled too", async (t) => {
    const broker = await startBroker(t, { durability });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    await popThrough(peer, "work");
    expect(await cancelled(peer, jobId)).toBe("cancelled");
    expect((await pushThrough(peer, jobId, "late")).reason).toBe("Job is over");
    await expectCancelled(peer, jobId);
  });

  test("a result between its first response and its ACK comes too late", async (t) => {
    const broker = await startBroker(t, { durability });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    const worker = await connectPeer(t, broker.port);
    const first = await worker.ask(push(jobId, "late", 60));
    expect(await cancelled(peer, jobId)).toBe("cancelled");
    expect(await worker.ask(ack(first.id))).toMatchObject({ reason: NO_ACK, id: first.id });
    await expectCancelled(peer, jobId);
    expect((await peer.ask(size(jobId))).response).toBe("0");
    expect(broker.getStats().jobs).toMatchObject({ answered: 1, lateResults: 1 });
  });

  test("a job that is over stays what it is", async (t) => {
    const broker = await startBroker(t, { durability, maxDeliveries: 1 });
    const peer = await connectPeer(t, broker.port);
    const done = await jobThrough(peer, "work");
    await pushThrough(peer, done, "done");
    expect(await cancelled(peer, done)).toBe("over");
    expect(await popThrough(peer, done)).toBe("done");
    const lost = await jobThrough(peer, "work");
    const consumer = await connectPeer(t, broker.port);
    await consumer.ask(pop("work", 0.05));
    await consumer.frame();
    expect(await cancelled(peer, lost)).toBe("over");
    expect((await peer.ask(dead("list"))).response).toContain(lost);
    const twice = await jobThrough(peer, "work");
    expect([await cancelled(peer, twice), await cancelled(peer, twice)]).toEqual([
      "cancelled",
      "cancelled",
    ]);
  });

  test("a job that was forgotten is over, and one that never was is unknown", async (t) => {
    const broker = await startBroker(t, { durability, maxRetainedBytes: 0 });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    await pushThrough(peer, jobId, "done");
    await popThrough(peer, jobId);
    expect(await cancelled(peer, jobId)).toBe("over");
    for (const name of [randomUUID(), "work", "x"]) {
      expect(await cancelled(peer, name)).toBe("unknown");
    }
  });
});

test("the connection that cancels can be used on, and many can be cancelled in one go", async (t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const ids = [];
  for (let i = 0; i < 20; i++) ids.push(await jobThrough(peer, "work"));
  for (const id of ids) peer.send(cancel(id));
  for (const _ of ids) expect((await peer.frame()).response).toBe("cancelled");
  expect((await peer.ask(size("work"))).response).toBe("0");
});

test.for([
  ["no id", { command: "CANCEL" }, /job_id: missing/],
  ["an empty id", { command: "CANCEL", job_id: "" }, /at least 1 character/],
  ["a number", { command: "CANCEL", job_id: 7 }, /must be a string/],
  ["a member too many", { command: "CANCEL", job_id: "a", force: true }, /unknown member/],
] as const)("with %s it is refused", async ([, request, reason], t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const answer = await peer.ask(request);
  expect(answer.code).toBe(1);
  expect(answer.reason).toMatch(reason);
});
