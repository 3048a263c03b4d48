/**
 * Goal: jobs that failed or were given up can be listed, shown, replayed under their old ids, and dropped, over
 * the network and after a restart. Method: peers that speak bytes.
 */
import { describe, expect, test } from "vitest";
import { until } from "../../src/testing/index.js";
import { type DeadAnswer, parseDeadAnswer } from "../../src/wire/index.js";
import { connectPeer, type RawPeer } from "../helpers/raw-peer.js";
import {
  ack,
  closed,
  dead,
  jobThrough,
  pop,
  popThrough,
  push,
  pushThrough,
  size,
} from "../helpers/requests.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";

async function ask(peer: RawPeer, action: string, more: object = {}): Promise<DeadAnswer> {
  const { code, response } = await peer.ask(dead(action, more));
  expect(code).toBe(0);
  return parseDeadAnswer(String(response));
}

/** A job whose only lease runs out. */
async function deadJob(t: Cleanup, port: number, message?: string): Promise<string> {
  const client = await connectPeer(t, port);
  const jobId = await jobThrough(client, "work", message);
  const consumer = await connectPeer(t, port);
  await consumer.ask(pop("work", 0.02));
  await consumer.frame();
  // Its failed result is there.
  await client.ask(pop(jobId, 60));
  client.end();
  await client.untilClosed();
  return jobId;
}

/** A job whose consumer gives a failed result and says why. */
async function failedJob(t: Cleanup, port: number, failed: string): Promise<string> {
  const client = await connectPeer(t, port);
  const jobId = await jobThrough(client, "work");
  const consumer = await connectPeer(t, port);
  const { id: lease } = await consumer.ask(pop("work", 60));
  const final = await pushThrough(client, jobId, "failed", { lease, failed });
  expect(final.response).toBe("Data stored.");
  expect((await consumer.ask(ack(lease))).response).toBe("Data processed.");
  for (const peer of [client, consumer]) await closed(peer);
  return jobId;
}

describe.each(["memory", "fsync"] as const)("with durability %s", (durability) => {
  const options = { durability, maxDeliveries: 1 };

  test("a letter is listed without its text, and shown with it", async (t) => {
    const broker = await startBroker(t, options);
    const peer = await connectPeer(t, broker.port);
    expect(await ask(peer, "list")).toEqual({ letters: [], count: 0 });
    const ids = [
      await deadJob(t, broker.port, '{"text":"first\\n\\"mühle\\""}'),
      await deadJob(t, broker.port),
    ];
    const { letters, count } = await ask(peer, "list");
    expect(count).toBe(2);
    expect(letters.map(({ job_id }) => job_id)).toEqual(ids);
    expect(letters[0]).toMatchObject({
      ...{ queue_name: "work", cause: "deliveries", deliveries: 1 },
      reason: expect.stringMatching(/^1 consumer kept it longer than its lease/),
    });
    expect(letters[0]).not.toHaveProperty("message");
    const shown = await ask(peer, "show", { job_id: ids[0] });
    expect(JSON.parse(String(shown.letters[0]?.message))).toEqual({
      text: 'first\n"mühle"',
      job_id: ids[0],
    });
    const rest = await ask(peer, "list", { after: ids[0] });
    expect(rest.letters.map(({ job_id }) => job_id)).toEqual([ids[1]]);
    expect(await ask(peer, "show", { job_id: "another" })).toEqual({ letters: [], count: 0 });
  });

  test("a replayed job keeps its id and text, and its failed result is taken back", async (t) => {
    const broker = await startBroker(t, options);
    const peer = await connectPeer(t, broker.port);
    const jobId = await deadJob(t, broker.port, '{"a":1}');
    expect((await peer.ask(size(jobId))).response).toBe("1");
    expect(await ask(peer, "replay", { job_id: jobId })).toEqual({ letters: [], count: 1 });
    expect((await peer.ask(size(jobId))).response).toBe("0");
    expect((await peer.ask(pop(jobId, 0))).reason).toBe("Job not ready");
    const consumer = await connectPeer(t, broker.port);
    const first = await consumer.ask(pop("work", 60));
    expect(JSON.parse(String(first.response))).toEqual({ a: 1, job_id: jobId });
    const answer = await pushThrough(peer, jobId, "done", { lease: first.id });
    expect(answer.response).toBe("Data stored.");
    await consumer.ask(ack(first.id));
    expect(await popThrough(peer, jobId)).toBe("done");
    expect((await ask(peer, "list")).count).toBe(0);
  });

  test("a dropped letter is gone, while its failed result is still to be had", async (t) => {
    const broker = await startBroker(t, options);
    const peer = await connectPeer(t, broker.port);
    const ids = [await deadJob(t, broker.port), await deadJob(t, broker.port)];
    expect((await ask(peer, "drop", { job_id: ids[0] })).count).toBe(1);
    expect((await ask(peer, "drop", { job_id: ids[0] })).count).toBe(0);
    expect((await ask(peer, "replay", { job_id: ids[0] })).count).toBe(0);
    expect((await ask(peer, "list")).letters.map(({ job_id }) => job_id)).toEqual([ids[1]]);
    expect(await popThrough(peer, String(ids[0]))).toMatch(/failed/);
  });

  test("without an id all are replayed or dropped", async (t) => {
    const broker = await startBroker(t, options);
    const peer = await connectPeer(t, broker.port);
    for (let i = 0; i < 2; i++) await deadJob(t, broker.port);
    expect((await ask(peer, "drop")).count).toBe(2);
    expect((await ask(peer, "list")).count).toBe(0);
    for (let i = 0; i < 3; i++) await deadJob(t, broker.port);
    expect((await ask(peer, "replay")).count).toBe(3);
    expect((await peer.ask(size("work"))).response).toBe("3");
    expect((await ask(peer, "drop")).count).toBe(0);
  });

  test("a job whose result says that it failed is kept, and answered once", async (t) => {
    const broker = await startBroker(t, options);
    const peer = await connectPeer(t, broker.port);
    const jobId = await failedJob(t, broker.port, "no page");
    expect(broker.getStats().jobs).toMatchObject({ failed: 1, givenUp: 0, deadLetters: 1 });
    const { letters } = await ask(peer, "list");
    expect(letters).toMatchObject([{ job_id: jobId, cause: "failed", reason: "no page" }]);
    expect(await pushThrough(peer, jobId, "late")).toMatchObject({ reason: "Job is over" });
    expect((await peer.ask(size(jobId))).response).toBe("1");
    expect(await popThrough(peer, jobId)).toBe("failed");
    expect((await ask(peer, "replay", { job_id: jobId })).count).toBe(1);
    expect((await peer.ask(pop(jobId, 0))).reason).toBe("Job not ready");
    const consumer = await connectPeer(t, broker.port);
    const again = await consumer.ask(pop("work", 60));
    await pushThrough(peer, jobId, "done", { lease: again.id });
    await consumer.ask(ack(again.id));
    expect(await popThrough(peer, jobId)).toBe("done");
    expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0, jobs: { deadLetters: 0 } });
  });

  test("a failed result whose final response is lost is stored once, with one letter", async (t) => {
    const broker = await startBroker(t, options);
    const client = await connectPeer(t, broker.port);
    const jobId = await jobThrough(client, "work");
    const consumer = await connectPeer(t, broker.port);
    const { id: lease } = await consumer.ask(pop("work", 60));
    const request = { ...push(jobId, "failed"), lease, failed: "no page" };
    const cut = await connectPeer(t, broker.port);
    const first = await cut.ask(request);
    cut.send(ack(first.id));
    cut.socket.resetAndDestroy();
    await until("the result is stored", () => broker.getStats().jobs?.answered === 1);
    const repeated = await client.ask(request);
    expect(repeated.id).toBe(first.id);
    expect((await client.ask(ack(first.id))).response).toBe("Data stored.");
    expect((await consumer.ask(ack(lease))).response).toBe("Data processed.");
    expect(broker.getStats()).toMatchObject({ jobs: { answered: 1, deadLetters: 1 } });
    expect((await client.ask(size(jobId))).response).toBe("1");
  });
});

test("letters, replays and failed results outlive the broker", async (t) => {
  const broker = await startBroker(t, { durability: "fsync", maxDeliveries: 1 });
  const jobId = await deadJob(t, broker.port);
  const restart = async () => {
    await broker.stop();
    await broker.start();
    return await connectPeer(t, broker.port);
  };
  const second = await restart();
  expect((await ask(second, "list")).letters).toMatchObject([{ job_id: jobId }]);
  expect((await ask(second, "replay", { job_id: jobId })).count).toBe(1);
  second.end();
  const third = await restart();
  expect((await ask(third, "list")).count).toBe(0);
  expect((await third.ask(pop(jobId, 0))).reason).toBe("Job not ready");
  expect(JSON.parse(String(await popThrough(third, "work")))).toEqual({ job_id: jobId });
});

test.for([
  ["no action", {}, /action: missing/],
  ["an unknown action", { action: "bury" }, /action: must be one of list, show, replay, drop/],
  ["a show of nothing", { action: "show" }, /job_id: missing/],
  ["a replay of a number", { action: "replay", job_id: 7 }, /must be a string/],
] as const)("%s is refused", async ([, members, reason], t) => {
  const broker = await startBroker(t);
  const peer = await connectPeer(t, broker.port);
  const answer = await peer.ask({ command: "DEAD", ...members });
  expect(answer.code).toBe(1);
  expect(answer.reason).toMatch(reason);
});

test("a job that failed, its result and its letter outlive the broker", async (t) => {
  const options = { durability: "fsync", maxDeadLetters: 2 } as const;
  const broker = await startBroker(t, options);
  const ids = [];
  for (const reason of ["first", "second", "third"]) {
    ids.push(await failedJob(t, broker.port, reason));
  }
  await broker.stop();
  await broker.start();
  const peer = await connectPeer(t, broker.port);
  const { letters } = await ask(peer, "list");
  expect(letters.map(({ job_id, reason }) => [job_id, reason])).toEqual([
    [ids[1], "second"],
    [ids[2], "third"],
  ]);
  for (const jobId of ids) expect(await popThrough(peer, String(jobId))).toBe("failed");
  expect((await peer.ask(size("work"))).response).toBe("0");
  expect((await ask(peer, "replay")).count).toBe(2);
  expect((await peer.ask(size("work"))).response).toBe("2");
});
