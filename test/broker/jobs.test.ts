/**
 * Goal: each accepted job gets exactly one result, over the network as in the ledger: a lost job comes
 * back, one that is lost too often or takes too long fails with the reason, a late result is refused,
 * and a fetched one can be fetched again as long as it is kept.
 * Method: peers that speak bytes, with what old consumers do and what ours do.
 */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { failureCause, parseResult } from "../../src/message/index.js";
import { until } from "../../src/testing/index.js";
import { connectPeer, type RawPeer, settled } from "../helpers/raw-peer.js";
import {
  ack,
  closed,
  extend,
  jobThrough,
  pop,
  popThrough,
  push,
  pushThrough,
  size,
} from "../helpers/requests.js";
import { startBroker } from "../helpers/start-broker.js";

const ON_RESULT = { queues: { work: { settle: "on-result" } } } as const;

/** Waits for a result, fetches it, and says why its job failed. */
async function causeOf(peer: RawPeer, jobId: string): Promise<string | undefined> {
  const first = await peer.ask(pop(jobId, 60));
  const result = parseResult(String(first.response));
  expect(result.status).toBe("failed");
  expect((await peer.ask(ack(first.id))).response).toBe("Data processed.");
  return failureCause(result);
}

describe.each(["memory", "fsync"] as const)("with durability %s", (durability) => {
  test("on-result, a job comes back from an old consumer that died after its ACK", async (t) => {
    const broker = await startBroker(t, { durability, ...ON_RESULT, resultLeaseMs: 200 });
    const client = await connectPeer(t, broker.port);
    const jobId = await jobThrough(client, "work");
    const dying = await connectPeer(t, broker.port);
    const first = await dying.ask(pop("work", 60));
    expect((await dying.ask(ack(first.id))).response).toBe("Data processed.");
    await closed(dying);
    const next = await connectPeer(t, broker.port);
    expect((await next.ask(pop("work", 0))).code).toBe(2);
    const again = await next.ask(pop("work", 60));
    expect(again.response).toBe(first.response);
    await next.ask(ack(again.id));
    expect((await pushThrough(next, jobId, "done")).response).toBe("Data stored.");
    expect(await pushThrough(next, jobId, "done")).toMatchObject({
      code: 1,
      reason: "Job is over",
    });
    expect(await popThrough(client, jobId)).toBe("done");
    await until("the lease is over", () => broker.getStats().inFlight === 0);
    expect((await next.ask(size("work"))).response).toBe("0");
  });

  test("on-result, a result in time settles the job", async (t) => {
    const broker = await startBroker(t, { durability, ...ON_RESULT, resultLeaseMs: 60_000 });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    await popThrough(peer, "work");
    expect(broker.getStats()).toMatchObject({ inFlight: 1, jobs: { openJobs: 1 } });
    expect((await pushThrough(peer, jobId, "done")).response).toBe("Data stored.");
    expect(broker.getStats()).toMatchObject({ inFlight: 0, ready: 1, jobs: { openJobs: 0 } });
  });

  test("on-ack, a job stays with a consumer that acknowledged it", async (t) => {
    const broker = await startBroker(t, { durability, resultLeaseMs: 1 });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    await popThrough(peer, "work");
    expect((await peer.ask(pop("work", 0.1))).code).toBe(2);
    expect(broker.getStats()).toMatchObject({ inFlight: 0, jobs: { openJobs: 1 } });
    expect((await pushThrough(peer, jobId, "done")).response).toBe("Data stored.");
  });

  test("a job that loses its third consumer fails, and its result says why", async (t) => {
    const broker = await startBroker(t, { durability });
    const client = await connectPeer(t, broker.port);
    const jobId = await jobThrough(client, "work");
    client.send(pop(jobId, 60));
    for (let i = 0; i < 3; i++) {
      const consumer = await connectPeer(t, broker.port);
      const first = await consumer.ask(pop("work", 60));
      consumer.send(extend(first.id, 60));
      await settled(t, broker.port);
      consumer.socket.resetAndDestroy();
    }
    const result = parseResult(String((await client.frame()).response));
    expect(result.status).toBe("failed");
    expect(failureCause(result)).toMatch(/^3 consumers were lost while they had it/);
    const other = await connectPeer(t, broker.port);
    expect(await pushThrough(other, jobId, "late")).toMatchObject({ reason: "Job is over" });
    expect((await other.ask(pop("work", 0))).code).toBe(2);
    expect(broker.getStats().jobs).toMatchObject({ deadLetters: 1, givenUp: 1, openJobs: 0 });
  });

  test("a job whose leases run out fails, and its result says so", async (t) => {
    const broker = await startBroker(t, { durability, maxDeliveries: 2 });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    for (let i = 0; i < 2; i++) {
      const consumer = await connectPeer(t, broker.port);
      await consumer.ask(pop("work", 0.05));
      expect((await consumer.frame()).reason).toBe("ACK not received.");
    }
    expect(await causeOf(peer, jobId)).toMatch(/^2 consumers kept it longer than their lease/);
  });

  test("a job that takes too long fails, and who works on it hears that its ACK is not taken", async (t) => {
    const broker = await startBroker(t, { durability, jobTimeoutMs: 300 });
    const client = await connectPeer(t, broker.port);
    const jobId = await jobThrough(client, "work");
    const consumer = await connectPeer(t, broker.port);
    const first = await consumer.ask(pop("work", 60));
    expect(await causeOf(client, jobId)).toBe("no result came within 300 ms (jobTimeoutMs)");
    expect(await consumer.frame()).toMatchObject({ reason: "ACK not received.", id: first.id });
    expect(await pushThrough(client, jobId, "late")).toMatchObject({ reason: "Job is over" });
  });

  test("a result by a consumer whose delivery is over is refused", async (t) => {
    const broker = await startBroker(t, { durability });
    const client = await connectPeer(t, broker.port);
    const jobId = await jobThrough(client, "work");
    const slow = await connectPeer(t, broker.port);
    const first = await slow.ask(pop("work", 0.05));
    await slow.frame();
    const over = { code: 1, reason: "Lease is over" };
    expect(await pushThrough(client, jobId, "a", { lease: first.id })).toMatchObject(over);
    const quick = await connectPeer(t, broker.port);
    const second = await quick.ask(pop("work", 60));
    expect(second.response).toBe(first.response);
    expect(await pushThrough(client, jobId, "a", { lease: first.id })).toMatchObject(over);
    expect(await pushThrough(client, jobId, "b", { lease: second.id })).toMatchObject({ code: 0 });
    expect((await quick.ask(ack(second.id))).response).toBe("Data processed.");
    expect(await popThrough(client, jobId)).toBe("b");
    expect(broker.getStats().jobs).toMatchObject({ lateResults: 2, answered: 1 });
  });

  test("a result can be fetched again, also when the first answer to the ACK was lost", async (t) => {
    const broker = await startBroker(t, { durability });
    const client = await connectPeer(t, broker.port);
    const jobId = await jobThrough(client, "work");
    await pushThrough(client, jobId, "done");
    const unlucky = await connectPeer(t, broker.port);
    const first = await unlucky.ask(pop(jobId, 60));
    unlucky.send(ack(first.id));
    await until("it is fetched", () => broker.getStats().delivered === 1);
    unlucky.socket.resetAndDestroy();
    expect((await client.ask(size(jobId))).response).toBe("0");
    expect(await popThrough(client, jobId)).toBe("done");
    expect(await popThrough(client, jobId)).toBe("done");
  });

  test("a result that is kept no more is told with its time, and a made-up name is not", async (t) => {
    const broker = await startBroker(t, { durability, maxRetainedBytes: 0 });
    const peer = await connectPeer(t, broker.port);
    const jobId = await jobThrough(peer, "work");
    await popThrough(peer, "work");
    expect((await peer.ask(pop(jobId, 0))).reason).toBe("Job not ready");
    await pushThrough(peer, jobId, "done");
    expect(await popThrough(peer, jobId)).toBe("done");
    const expired = await peer.ask(pop(jobId, 60));
    expect(expired).toMatchObject({ code: 1, response: null });
    const [, time] = /^Result expired at (\S+)$/.exec(String(expired.reason)) ?? [];
    expect(new Date(String(time)).toISOString()).toBe(time);
    expect((await peer.ask(pop(randomUUID(), 0))).reason).toBe("Job not ready");
    expect(await pushThrough(peer, jobId, "late")).toMatchObject({ reason: "Job is over" });
    expect(broker.getStats()).toMatchObject({ queues: 0, jobs: { expiredResults: 1 } });
  });
});

test("a result waits for its client's second fetch while another holds the first", async (t) => {
  const broker = await startBroker(t);
  const one = await connectPeer(t, broker.port);
  const jobId = await jobThrough(one, "work");
  await pushThrough(one, jobId, "done");
  const first = await one.ask(pop(jobId, 60));
  const two = await connectPeer(t, broker.port);
  two.send(pop(jobId, 60));
  await settled(t, broker.port);
  expect((await one.ask(ack(first.id))).response).toBe("Data processed.");
  expect((await two.frame()).response).toBe("done");
});

test("the first response of a result keeps others out until its end", async (t) => {
  const broker = await startBroker(t);
  const one = await connectPeer(t, broker.port);
  const jobId = await jobThrough(one, "work");
  await one.ask(push(jobId, "one", 60));
  const two = await connectPeer(t, broker.port);
  expect((await two.ask(push(jobId, "two"))).reason).toBe("Queue is not available");
  one.end();
  await one.untilClosed();
  expect((await pushThrough(two, jobId, "two")).response).toBe("Data stored.");
});
