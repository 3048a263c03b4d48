/** A pipeline without any stage, against a broker over TCP, in a process of its own. */
import { createClient, MessageBrokerTaskSink, MessageBrokerTaskSource, Pipeline } from "millrace";
import { serveCalls } from "../worker.js";

serveCalls({
  /** Source and sink share a client, as in `millrace pipeline`. */
  async start({ port, concurrency }: { port: number; concurrency: number }) {
    const brokerClient = createClient({ host: "127.0.0.1", port });
    const source = new MessageBrokerTaskSource({ brokerClient });
    const sink = new MessageBrokerTaskSink({ brokerClient });
    await new Pipeline({ source, sink, concurrency }).start();
  },
});
