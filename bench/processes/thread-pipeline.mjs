/**
 * A pipeline with one stage in threads, against a broker over TCP. Plain JavaScript, so that threads
 * start as fast as they do without a loader of TypeScript: they inherit it.
 */
import { MessageBrokerTaskSink, MessageBrokerTaskSource, Pipeline } from "millrace";
import { threadStage } from "millrace/pipeline";
import { WorkerPool } from "millrace/workers";

async function start({ port, threadCount, timeoutMs, workMs }) {
  const brokerClient = { clientType: "simple", host: "127.0.0.1", port };
  const stage = threadStage({
    name: "act",
    use: "./deeds.mjs#act",
    file: new URL("./deeds.mjs", import.meta.url),
    exportName: "act",
    config: { workMs },
    pool: new WorkerPool({ maxThreads: threadCount }),
  });
  await new Pipeline({
    source: new MessageBrokerTaskSource({ brokerClient }),
    // Twice the threads, so that none of them waits for its next message.
    stages: [{ stage, timeoutMs, concurrency: 2 * threadCount }],
    sink: new MessageBrokerTaskSink({ brokerClient }),
  }).start();
}

process.on("message", async ({ id, method, params }) => {
  try {
    if (method === "start") await start(params);
    process.send({ id, result: null });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
