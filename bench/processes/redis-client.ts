/** Our client of Redis under load, in a process of its own: from a job's submit to its result. */
import { createClient, type MessageBrokerClient } from "millrace";
import { type LoadBounds, runLoad } from "../load.js";
import { jobText, TASK_QUEUE } from "../messages.js";
import { serveCalls } from "../worker.js";

interface RedisLoad extends LoadBounds {
  readonly bytes: number;
  readonly taskQueue?: string;
}

let client: MessageBrokerClient;

serveCalls({
  async connect({ port }: { port: number }) {
    // As BullMQ's finished jobs are removed, no result is kept for a second fetch.
    const brokerParams = { fetchedResultMs: 0 };
    client = createClient({ clientType: "redis", host: "127.0.0.1", port, brokerParams });
    await client.ping();
  },
  /** Takes a value and gives one, as BullMQ does, not the texts that travel. */
  async jobs({ bytes, taskQueue = TASK_QUEUE, ...bounds }: RedisLoad) {
    const data: unknown = JSON.parse(jobText(bytes));
    return runLoad(bounds, async () => {
      const job = JSON.stringify(data);
      const { transactionId } = await client.submitMessage(taskQueue, job, { forNvIngest: true });
      const text = await client.fetchMessage(transactionId);
      const result = JSON.parse(text ?? "null") as { status?: unknown } | null;
      if (result?.status !== "success") throw new Error("a job has no good result");
    });
  },
});
