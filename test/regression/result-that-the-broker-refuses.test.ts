// Failure: a result that the broker refuses for good sent its job round for ever, and the client got
// nothing. Method: a broker whose frames are smaller than the result, over TCP.
import { expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { createJob, encodeJob, failureCause, parseResult } from "../../src/message/index.js";
import { Pipeline } from "../../src/pipeline/index.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { MessageBrokerTaskSink } from "../../src/sinks/index.js";
import { MessageBrokerTaskSource } from "../../src/sources/index.js";

test("its job ends with a failed result that says so, and is done once", async (t) => {
  const broker = new SimpleMessageBroker({ port: 0, maxFrameBytes: 8 * 1024 });
  await broker.start();
  const brokerClient = { clientType: "simple", host: "127.0.0.1", port: broker.port } as const;
  let runs = 0;
  const pipeline = new Pipeline({
    source: new MessageBrokerTaskSource({ brokerClient }),
    sink: new MessageBrokerTaskSink({ brokerClient }),
    processingFunctions: [
      function grow(message) {
        runs++;
        for (const row of message.payload) row.content = "grain ".repeat(10_000);
        return message;
      },
    ],
  });
  const client = new SimpleClient(brokerClient);
  t.onTestFinished(async () => {
    await pipeline.stop();
    await client.close();
    await broker.stop();
  });
  await pipeline.start();
  const job = encodeJob(createJob({ documents: [{ name: "a.txt", content: "grain" }] }));
  const push = { forNvIngest: true };
  const { transactionId } = await client.submitMessage("ingest_task_queue", job, push);
  const result = parseResult((await client.fetchMessage(transactionId)) ?? "");
  expect(result.status).toBe("failed");
  expect(failureCause(result)).toContain("maxFrameBytes");
  await pipeline.stop();
  expect(runs).toBe(1);
  expect(broker.getStats()).toMatchObject({ ready: 0, inFlight: 0 });
});
