/** Broker, pipeline and client in one process, over `MemoryClient`, without any socket. */
import {
  MemoryClient,
  MessageBrokerTaskSink,
  MessageBrokerTaskSource,
  Pipeline,
  SimpleMessageBroker,
  type Stage,
} from "millrace";
import { type LoadBounds, runLoad } from "../load.js";
import { jobText, TASK_QUEUE } from "../messages.js";
import { runJob } from "../run-job.js";
import { serveCalls } from "../worker.js";

const broker = new SimpleMessageBroker({ durability: "memory", brokerParams: { maxQueueSize: 0 } });
const brokerClient = { clientType: "memory", broker } as const;
const client = new MemoryClient(brokerClient);

/** As many stages as asked for, none of which does anything. */
function idleStages(count: number): Stage[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `stage_${index + 1}`,
    process: (message) => message,
  }));
}

serveCalls({
  async start({ concurrency, stageCount = 0 }: { concurrency: number; stageCount?: number }) {
    const source = new MessageBrokerTaskSource({ brokerClient });
    const sink = new MessageBrokerTaskSink({ brokerClient });
    const stages = idleStages(stageCount);
    await new Pipeline({ source, sink, stages, concurrency }).start();
  },
  async jobs({
    bytes,
    tracing = true,
    ...bounds
  }: LoadBounds & { readonly bytes: number; readonly tracing?: boolean }) {
    const job = jobText(bytes, tracing);
    return runLoad(bounds, () => runJob(client, TASK_QUEUE, job));
  },
});
