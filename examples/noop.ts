/**
 * The smallest whole: a broker in a process of its own, a pipeline without any function, and a client
 * that submits one text and prints what comes back.
 *
 *     npx tsx examples/noop.ts
 */
import {
  createJob,
  encodeJob,
  MessageBrokerTaskSink,
  MessageBrokerTaskSource,
  Pipeline,
  parseResult,
  SimpleClient,
  startSimpleMessageBroker,
} from "millrace";

await using broker = await startSimpleMessageBroker({ port: 0 });
const brokerClient = { clientType: "simple", host: broker.host, port: broker.port } as const;

await using client = new SimpleClient(brokerClient);
const job = createJob({ documents: [{ name: "hello.txt", content: "Hello, mill!" }] });
const { transactionId: jobId } = await client.submitMessage("ingest_task_queue", encodeJob(job), {
  forNvIngest: true,
});

const pipeline = new Pipeline({
  source: new MessageBrokerTaskSource({ brokerClient }),
  sink: new MessageBrokerTaskSink({ brokerClient }),
});
const stats = await pipeline.run({ maxMessages: 1 });

const result = parseResult((await client.fetchMessage(jobId)) ?? "");
console.log(`${result.status}: ${result.data?.[0]?.metadata.content}`);
console.log(`${stats.processedCount} processed, ${stats.errorCount} failed`);
