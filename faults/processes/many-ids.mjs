/**
 * A broker in this process that is asked for very many results which are not there, and answers very
 * many jobs. Its argument is JSON: `{polls, jobs, warmUp}`. Tells the heap after collection before and
 * after. Needs --expose-gc.
 */

import { randomUUID } from "node:crypto";
import { SimpleMessageBroker } from "millrace";
import { encodeBody } from "millrace/wire";

const { polls, jobs, warmUp } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const broker = new SimpleMessageBroker({
  port: 0,
  durability: "memory",
  maxRetainedBytes: 262_144,
  resultRetentionMs: 3_600_000,
});
await broker.start();
const result = encodeBody('{"status":"success","data":[]}');

async function poll(count) {
  for (let number = 0; number < count; number++) {
    if ((await broker.take(randomUUID(), { waitMs: 0 })) !== undefined) throw new Error("a ghost");
  }
}

async function answer(count) {
  for (let number = 0; number < count; number++) {
    const job = encodeBody(`{"job_id":"","number":${number}}`);
    const jobId = await broker.store("jobs", job, { stampJobId: true });
    const task = await broker.take("jobs", { waitMs: 0 });
    await broker.store(jobId, result, { stampJobId: false, leaseId: task.leaseId });
    await task.acknowledge();
    const fetched = await broker.take(jobId, { waitMs: 0 });
    await fetched.acknowledge();
  }
}

async function heap() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().heapUsed;
}

// What is bounded is filled before it is measured: expired results, lists, compiled code.
await answer(warmUp);
await poll(warmUp);
say({ event: "listening", port: broker.port });
const before = await heap();
await poll(polls);
await answer(jobs);
const { queues, jobs: counts } = broker.getStats();
say({ event: "worked", before, after: await heap(), queues, counts });
process.stdin.once("data", async () => {
  say({ event: "measured", before, after: await heap(), queues: broker.getStats().queues });
  await broker.stop();
  process.exit(0);
});
