// Our source, pipeline and sink against any broker of the protocol: a pipeline without stages that
// writes into each row where it came by. Usage: node noop-pipeline.mjs HOST PORT
import { MessageBrokerTaskSink, MessageBrokerTaskSource, Pipeline } from "millrace";

const [host, port] = process.argv.slice(2);
const brokerClient = { clientType: "simple", host, port: Number(port) };

function sign(message) {
  message.payload = message.payload.map((row) => ({ ...row, content: `${row.content} (signed)` }));
  return message;
}

const pipeline = new Pipeline({
  source: new MessageBrokerTaskSource({ brokerClient }),
  sink: new MessageBrokerTaskSink({ brokerClient }),
  processingFunctions: [sign],
  concurrency: 4,
});

process.once("SIGTERM", async () => {
  await pipeline.stop();
  process.exit(0);
});
await pipeline.start();
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
