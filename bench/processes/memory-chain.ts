/** Broker, pipeline and client in one process, over `MemoryClient`, without any socket. */
import {
  MemoryClient,
  MessageBrokerTaskSink,
  MessageBrokerTaskSource,
  Pipeline,
  SimpleMessageBroker,
} from "millrace";
import { type LoadBounds, runLoad } from "../load.js";
import { jobText, TASK_QUEUE } from "../messages.js";
import { runJob } from "../run-job.js";
import { serveCalls } from "../worker.js";

const broker = new SimpleMessageBroker({ durability: "memory", brokerParams: { maxQueueSize: 0 } });
const brokerClient = { clientType: "memory", broker } as const;
const client = new MemoryClient(brokerClient);

serveCalls({
  async start({ concurrency }: { concurrency: number }) {
    const source = new MessageBrokerTaskSource({ brokerClient });
    const sink = new MessageBrokerTaskSink({ brokerClient });
    await new Pipeline({ source, sink, concurrency }).start();
  },
  async jobs({ bytes, ...bounds }: LoadBounds & { readonly bytes: number }) {
    const job = jobText(bytes);
    return runLoad(bounds, () => runJob(client, TASK_QUEUE, job));
  },
});
