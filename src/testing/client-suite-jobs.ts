/**
 * What clients of a broker of ours pass besides: jobs have one result, which can be fetched again;
 * they can be cancelled; and those that nobody can end are kept aside. Clients of other brokers pass
 * `clientSuite` alone.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { MessageBrokerClient } from "../client/index.js";
import {
  type Body,
  type ClientBench,
  expectDelivery,
  QUEUE,
  rejectsWith,
} from "./client-suite-kit.js";
import type { TestRunner } from "./test-runner.js";

const JOB = '{"job_id":"None","text":"grain"}';
/** A lease that a busy machine keeps, and a time in which it would have ended. */
const LEASE_MS = 1_500;
const LEASES_MS = 3 * LEASE_MS;
/** More than any broker hands a job out before it gives it up. */
const CRASHES_MAX = 100;

/** A bench whose broker knows jobs. */
export interface JobsBench extends ClientBench {
  /**
   * Takes the oldest message of a queue and dies with it, as a process does that crashes: without a
   * word to the broker.
   */
  crash(queueName: string): Promise<void>;
}

type JobsBody = (client: MessageBrokerClient, bench: JobsBench) => Promise<void>;

/** Tests a client with a broker of ours. The factory gives each test a broker without messages. */
export function clientJobsSuite(
  name: string,
  factory: () => Promise<JobsBench>,
  { describe, test }: TestRunner,
): void {
  const jobsTest = (title: string, body: Body | JobsBody) =>
    test(title, async () => {
      await using bench = await factory();
      await body(bench.connect(), bench);
    });

  describe(`what every client of our broker does: ${name}`, () => {
    jobsTest("a delivery outlives its lease while its consumer lives", outlivesLease);
    jobsTest("the result of a delivery that went to another is refused", fence);
    jobsTest("a job has one result, and a second one is refused", oneResult);
    jobsTest("a result can be fetched again", fetchAgain);
    jobsTest("a job that waits is cancelled, however often that is said", cancelWaiting);
    jobsTest("a job in work is cancelled, and its consumer is told", cancelInWork);
    jobsTest("a job that is over stays as it is", cancelOver);
    jobsTest("a job that nobody can end is kept aside, and answered", deadLetter);
    jobsTest("dead letters are put back or thrown away", settleDead);
    jobsTest("a job that failed is kept aside with its reason, and answered once", failedJob);
    jobsTest("a job that failed is done again when it is put back", replayFailed);
    jobsTest("whatever the reason is, it costs no result", oddReasons);
  });
}

const outlivesLease: Body = async (client, bench) => {
  await client.submitMessage(QUEUE, "slow");
  const delivery = await client.fetchDelivery(QUEUE, { leaseMs: LEASE_MS });
  assert.ok(delivery !== undefined);
  const other = bench.connect();
  assert.equal(await other.fetchDelivery(QUEUE, { timeoutMs: LEASES_MS }), undefined);
  assert.equal(delivery.lost.aborted, false);
  await delivery.acknowledge();
  assert.equal(await client.size(QUEUE), 0);
};

const fence: Body = async (client, bench) => {
  const jobId = await submitJob(client);
  const slow = bench.connect();
  const late = await expectDelivery(slow);
  // The consumer is gone for the broker, but still has its result.
  await slow.close();
  const delivery = await expectDelivery(client);
  const other = bench.connect();
  const push = other.submitMessage(jobId, "late", { leaseId: late.leaseId });
  await rejectsWith("QUEUE_LEASE_OVER", push);
  await client.submitMessage(jobId, "in time", { leaseId: delivery.leaseId });
  await delivery.acknowledge();
  assert.equal(await other.fetchMessage(jobId), "in time");
};

const oneResult: Body = async (client) => {
  const jobId = await submitJob(client);
  const { leaseId, acknowledge } = await deliveryParts(client);
  await client.submitMessage(jobId, "the result", { leaseId });
  await rejectsWith("QUEUE_JOB_OVER", client.submitMessage(jobId, "another", { leaseId }));
  await acknowledge();
  await rejectsWith("QUEUE_JOB_OVER", client.submitMessage(jobId, "another", { leaseId }));
  assert.equal(await client.fetchMessage(jobId), "the result");
};

const fetchAgain: Body = async (client, bench) => {
  const jobId = await submitJob(client);
  const { leaseId, acknowledge } = await deliveryParts(client);
  await client.submitMessage(jobId, "the result", { leaseId });
  await acknowledge();
  for (const each of [client, client, bench.connect()]) {
    assert.equal(await each.fetchMessage(jobId, { timeoutMs: 0 }), "the result");
  }
  // What is no job's result is gone once it was fetched.
  await client.submitMessage(QUEUE, "a message");
  assert.equal(await client.fetchMessage(QUEUE), "a message");
  assert.equal(await client.fetchMessage(QUEUE, { timeoutMs: 0 }), undefined);
};

const cancelWaiting: Body = async (client, bench) => {
  const jobId = await submitJob(client);
  const waiting = bench.connect().fetchMessage(jobId);
  assert.equal(await client.cancel(jobId), "cancelled");
  assert.equal(statusOf(await waiting), "failed");
  assert.equal(await client.size(QUEUE), 0);
  assert.equal(await client.fetchDelivery(QUEUE, { timeoutMs: 0 }), undefined);
  assert.equal(await client.cancel(jobId), "cancelled");
  assert.equal(await client.cancel("no such job"), "unknown");
};

const cancelInWork: Body = async (client, bench) => {
  const jobId = await submitJob(client);
  const delivery = await expectDelivery(client);
  const { lost, leaseId } = delivery;
  const fired = once(lost, "abort");
  const other = bench.connect();
  assert.equal(await other.cancel(jobId), "cancelled");
  await fired;
  await rejectsWith("CLIENT_LEASE_OVER", Promise.reject(lost.reason));
  await rejectsWith("CLIENT_LEASE_OVER", delivery.acknowledge());
  await delivery.release();
  await rejectsWith("QUEUE_JOB_OVER", client.submitMessage(jobId, "in vain", { leaseId }));
  assert.equal(statusOf(await other.fetchMessage(jobId)), "failed");
  assert.equal(await client.size(QUEUE), 0);
};

const cancelOver: Body = async (client) => {
  const jobId = await submitJob(client);
  const { leaseId, acknowledge } = await deliveryParts(client);
  await client.submitMessage(jobId, "the result", { leaseId });
  await acknowledge();
  assert.equal(await client.cancel(jobId), "over");
  assert.equal(await client.fetchMessage(jobId), "the result");
};

const deadLetter: JobsBody = async (client, bench) => {
  const jobId = await submitJob(client);
  await crashUntilDead(client, bench, 1);
  const { letters, count } = await client.deadLetters.list();
  assert.equal(count, 1);
  const [letter] = letters;
  assert.equal(letter?.jobId, jobId);
  assert.equal(letter.queueName, QUEUE);
  assert.ok(letter.deliveries >= 1);
  const shown = await client.deadLetters.show(jobId);
  assert.equal(shown?.message, JOB.replace("None", jobId));
  assert.deepEqual({ ...letter, message: shown.message }, shown);
  assert.equal(await client.deadLetters.show("no such job"), undefined);
  assert.deepEqual(await client.deadLetters.list({ after: jobId }), { letters: [], count: 1 });
  assert.equal(statusOf(await client.fetchMessage(jobId)), "failed");
  assert.equal(await client.size(QUEUE), 0);
};

const settleDead: JobsBody = async (client, bench) => {
  const { deadLetters } = client;
  const jobIds = [await submitJob(client), await submitJob(client), await submitJob(client)];
  await crashUntilDead(client, bench, 3);
  const [first = "", second = ""] = jobIds;
  assert.equal(await deadLetters.replay({ jobId: first }), 1);
  assert.equal(await deadLetters.replay({ jobId: first }), 0);
  const delivery = await expectDelivery(client);
  assert.equal(delivery.message, JOB.replace("None", first));
  await delivery.acknowledge();
  assert.equal(await deadLetters.drop({ jobId: second }), 1);
  assert.equal(await deadLetters.show(second), undefined);
  assert.equal(await deadLetters.drop({ jobId: second }), 0);
  assert.equal(await deadLetters.replay({ all: true }), 1);
  assert.equal(await client.size(QUEUE), 1);
  assert.equal((await deadLetters.list()).count, 0);
  assert.equal(await deadLetters.drop({ all: true }), 0);
};

const REASON = 'Error in "mühle": no grain\n';

/** A job that is answered as failed, with this reason; its id. */
async function failJob(client: MessageBrokerClient, failed: string): Promise<string> {
  const jobId = await submitJob(client);
  const { leaseId, acknowledge } = await deliveryParts(client);
  await client.submitMessage(jobId, "the failed result", { leaseId, failed });
  await acknowledge();
  return jobId;
}

const failedJob: Body = async (client) => {
  const jobId = await failJob(client, REASON);
  const shown = await client.deadLetters.show(jobId);
  assert.equal(shown?.cause, "failed");
  assert.equal(shown.reason, REASON);
  assert.equal(shown.message, JOB.replace("None", jobId));
  await rejectsWith("QUEUE_JOB_OVER", client.submitMessage(jobId, "another"));
  assert.equal(await client.size(jobId), 1);
  assert.equal(await client.fetchMessage(jobId), "the failed result");
  assert.equal(await client.size(QUEUE), 0);
  // Without a delivery, nobody can say that a job failed.
  const other = await submitJob(client);
  await client.submitMessage(other, "a result", { failed: REASON });
  assert.equal((await client.deadLetters.list()).count, 1);
  assert.equal(await client.fetchMessage(other), "a result");
};

const replayFailed: Body = async (client) => {
  const jobId = await failJob(client, REASON);
  assert.equal(await client.fetchMessage(jobId), "the failed result");
  assert.equal(await client.deadLetters.replay({ jobId }), 1);
  assert.equal(await client.fetchMessage(jobId, { timeoutMs: 0 }), undefined);
  const { message, leaseId, acknowledge } = await deliveryParts(client);
  assert.equal(message, JOB.replace("None", jobId));
  await client.submitMessage(jobId, "the result", { leaseId });
  await acknowledge();
  assert.equal(await client.fetchMessage(jobId), "the result");
  assert.equal((await client.deadLetters.list()).count, 0);
};

const oddReasons: Body = async (client) => {
  for (const reason of ["", "half \ud83d", "\u0000".repeat(100_000)]) {
    const jobId = await failJob(client, reason);
    const letter = await client.deadLetters.show(jobId);
    assert.ok(letter !== undefined && letter.reason.length > 0 && letter.reason.length <= 4_096);
    assert.equal(await client.fetchMessage(jobId), "the failed result");
  }
};

async function submitJob(client: MessageBrokerClient): Promise<string> {
  return (await client.submitMessage(QUEUE, JOB, { forNvIngest: true })).transactionId;
}

async function deliveryParts(client: MessageBrokerClient) {
  const delivery = await expectDelivery(client);
  const { message, leaseId } = delivery;
  return { message, leaseId, acknowledge: () => delivery.acknowledge() };
}

async function crashUntilDead(
  { deadLetters }: MessageBrokerClient,
  bench: JobsBench,
  deadCount: number,
): Promise<void> {
  for (let crashes = 0; (await deadLetters.list()).count < deadCount; crashes++) {
    assert.ok(crashes < CRASHES_MAX * deadCount, "the broker gives up a job that always crashes");
    await bench.crash(QUEUE);
  }
}

function statusOf(result: string | undefined): unknown {
  return (JSON.parse(result ?? "{}") as { status?: unknown }).status;
}
