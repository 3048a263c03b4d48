/** A pipeline without any stage, against a broker over TCP, in a process of its own. */
import { MessageBrokerTaskSink, MessageBrokerTaskSource, Pipeline } from "millrace";
import { serveCalls } from "../worker.js";

serveCalls({
  async start({ port, concurrency }: { port: number; concurrency: number }) {
    const brokerClient = { clientType: "simple", host: "127.0.0.1", port } as const;
    const source = new MessageBrokerTaskSource({ brokerClient });
    const sink = new MessageBrokerTaskSink({ brokerClient });
    await new Pipeline({ source, sink, concurrency }).start();
  },
});
