/**
 * A pipeline with two functions of one's own: the first adds what it knows of a job, the second
 * refuses a document without text. Whoever submitted that one gets a failed result that says why.
 *
 *     npx tsx examples/custom-functions.ts
 */
import {
  createJob,
  encodeJob,
  failureCause,
  type IngestControlMessage,
  MessageBrokerTaskSink,
  MessageBrokerTaskSource,
  Pipeline,
  parseResult,
  SimpleClient,
  startSimpleMessageBroker,
} from "millrace";

function addMetadata(message: IngestControlMessage): IngestControlMessage {
  const characters = message.payload.reduce((sum, row) => sum + (row.content?.length ?? 0), 0);
  message.setMetadata("characters", characters);
  message.annotate({ sourceId: "addMetadata", message: `${characters} characters` });
  return message;
}

/** A function may be async; what it throws becomes the failed result of this job alone. */
async function validateContent(message: IngestControlMessage): Promise<IngestControlMessage> {
  if (message.getMetadata("characters") === 0) throw new Error("the document has no text");
  return message;
}

// `await using` stops the broker when this file ends, however it ends …
await using broker = await startSimpleMessageBroker({ port: 0 });
const brokerClient = { clientType: "simple", host: broker.host, port: broker.port } as const;
const pipeline = new Pipeline({
  source: new MessageBrokerTaskSource({ brokerClient }),
  sink: new MessageBrokerTaskSink({ brokerClient }),
  processingFunctions: [addMetadata, validateContent],
});

// … and is short for this:
const client = new SimpleClient(brokerClient);
try {
  await pipeline.start();
  for (const [name, content] of Object.entries({ "letter.txt": "Dear miller,", "empty.txt": "" })) {
    const job = encodeJob(createJob({ documents: [{ name, content }] }));
    const { transactionId: jobId } = await client.submitMessage("ingest_task_queue", job, {
      forNvIngest: true,
    });
    const result = parseResult((await client.fetchMessage(jobId)) ?? "");
    const notes = Object.values(result.annotations ?? {}).map(({ message }) => message);
    const detail = failureCause(result) ?? notes.find((note) => note?.endsWith("characters"));
    console.log(`${name}: ${result.status} (${detail})`);
  }
} finally {
  await pipeline.stop();
  await client.close();
}
