/**
 * Goal: the way of one job through all rooms, readable from top to bottom. Method: each step is done by
 * the function that does it in the running chain, and what it hands to the next step is looked at.
 */
import { expect, test } from "vitest";
import { type Delivery, MemoryClient } from "../../src/client/index.js";
import { epochNanoseconds } from "../../src/core/index.js";
import {
  buildResult,
  createJob,
  encodeJob,
  encodeResult,
  IngestControlMessage,
  openJob,
  parseResult,
  splitTask,
} from "../../src/message/index.js";
import { Pipeline, type Sink, type Source } from "../../src/pipeline/index.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { encodePush, FrameReader, type PushRequest, parseRequest } from "../../src/wire/index.js";

const TASK_QUEUE = "ingest_task_queue";

test("one job walks from its client through all rooms and back", async (t) => {
  // 1. A job: JSON text, made by the client.
  const job = encodeJob(
    createJob({
      documents: [{ name: "letter.txt", content: "Dear miller," }],
      tasks: [splitTask()],
    }),
  );
  expect(JSON.parse(job)).toMatchObject({
    job_id: "None",
    job_payload: { source_name: ["letter.txt"], content: ["Dear miller,"] },
    tasks: [{ type: "split" }],
  });

  // 2. A frame: eight bytes of length and a JSON body, cut from the line wherever its chunks end.
  const frame = encodePush(TASK_QUEUE, job, { forNvIngest: true, timeoutS: 100 });
  const reader = new FrameReader();
  reader.push(frame.subarray(0, 5));
  expect(reader.next(1_000_000)).toBeUndefined();
  reader.push(frame.subarray(5));
  const body = reader.next(1_000_000)?.body ?? Buffer.alloc(0);
  expect(body.length).toBe(frame.length - 8);

  // 3. A request: its message is still the escaped bytes that were sent.
  const request = parseRequest(body) as PushRequest;
  expect(request).toMatchObject({ command: "PUSH_FOR_NV_INGEST", queueName: TASK_QUEUE });
  expect(request.message.toString()).toBe(JSON.stringify(job).slice(1, -1));

  // 4. An entry in a queue: stamped with the id that the client is told, and else untouched.
  const broker = new SimpleMessageBroker();
  t.onTestFinished(() => broker.stop());
  const jobId = await broker.store(request.queueName, request.message, { stampJobId: true });
  expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0 });

  // 5 to 8 happen in a pipeline; its source and sink write down what they see.
  const client = new MemoryClient({ clientType: "memory", broker });
  const steps: string[] = [];
  let delivery: Delivery | undefined;
  const source: Source = {
    ...lifeless,
    async getMessage() {
      // 5. A delivery: out of the queue, not yet gone.
      delivery = await client.fetchDelivery(TASK_QUEUE, { timeoutMs: 0 });
      if (delivery === undefined) return undefined;
      expect(delivery.message).toBe(job.replace('"None"', `"${jobId}"`));
      expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 1 });
      steps.push("delivered");

      // 6. A control message: the job, opened.
      const message = openJob(delivery.message, {
        sourceName: "story",
        fetchedAt: epochNanoseconds(),
      });
      expect(message.jobId).toBe(jobId);
      expect(message.payload).toMatchObject([{ documentType: "text", content: "Dear miller," }]);
      expect(message.hasTaskOfType("split")).toBe(true);
      steps.push("opened");
      return message;
    },
    async acknowledge() {
      await delivery?.acknowledge();
      steps.push("acknowledged");
    },
    async release() {
      steps.push("released");
    },
  };
  const sink: Sink = {
    ...lifeless,
    async processMessage(message) {
      // 8. A result: one per job, in the queue of the job's name, before the acknowledgement.
      const result = buildResult(message);
      await client.submitMessage(message.jobId ?? "", encodeResult(result));
      // From here on the job is over, whatever becomes of its consumer.
      expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0 });
      steps.push("answered");
      return true;
    },
  };
  const pipeline = new Pipeline({
    source,
    sink,
    processingFunctions: [
      function shout(message) {
        // 7. The same message, worked: a stage takes its task and changes the rows.
        expect(message).toBeInstanceOf(IngestControlMessage);
        message.takeTask("split");
        for (const row of message.payload) row.content = (row.content ?? "").toUpperCase();
        steps.push("worked");
        return message;
      },
    ],
  });
  await pipeline.run({ maxMessages: 1 });
  expect(steps).toEqual(["delivered", "opened", "worked", "answered", "acknowledged"]);
  expect(broker.getStats()).toMatchObject({ ready: 1, inFlight: 0 });

  // 9. The result, as the client reads it; then nothing is left anywhere.
  const result = parseResult((await client.fetchMessage(jobId)) ?? "");
  expect(result).toMatchObject({ status: "success", fragment: 0, fragment_count: 1 });
  expect(result.data).toMatchObject([
    { document_type: "text", metadata: { content: "DEAR MILLER,", content_metadata: {} } },
  ]);
  expect(Object.keys(result.trace ?? {})).toContain("trace::entry::shout");
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0, queues: 1 });
  expect(broker.getStats().jobs).toMatchObject({ openJobs: 0, retainedResults: 1 });
});

/** A source or a sink without a life of its own. */
const lifeless = { start: async () => {}, stop: async () => {}, getStats: () => ({}) };
