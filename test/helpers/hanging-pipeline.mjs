/**
 * Entry of a child process: a pipeline whose stage never ends, so that it can be killed in the middle
 * of a job. Gets the broker's port as its argument, and tells its parent when a job is in the stage.
 */
import { MessageBrokerTaskSink, MessageBrokerTaskSource, Pipeline } from "millrace";

const brokerClient = { host: "127.0.0.1", port: Number(process.argv[2]) };
const pipeline = new Pipeline({
  source: new MessageBrokerTaskSource({ brokerClient }),
  sink: new MessageBrokerTaskSink({ brokerClient }),
  processingFunctions: [
    function hang(message) {
      process.send({ jobId: message.jobId });
      return new Promise(() => {});
    },
  ],
});
await pipeline.start();
