/** BullMQ's worker with a processor that gives back what it got, in a process of its own. */
import { Worker } from "bullmq";
import { serveCalls } from "../worker.js";

serveCalls({
  async start({ port, queue, concurrency }: { port: number; queue: string; concurrency: number }) {
    const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
    const worker = new Worker(queue, async (job) => job.data, { connection, concurrency });
    worker.on("error", (error) => console.error(error));
    await worker.waitUntilReady();
  },
});
