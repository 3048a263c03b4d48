/**
 * A pipeline whose one function does what each job says, so that faults can ask for any behaviour.
 * Its argument is JSON: `{port, leaseMs?, concurrency?, stageTimeoutMs?, maxAttempts?}`, with
 * `brokerClient`, the configuration of a client, in place of `port` where the broker is Redis.
 *
 * The text of a job's document is a word and a number: `work 20` takes 20 ms, `block 500` does not even
 * let timers run, `poison` kills this process, `throw`, `nothing`, `foreign` and `hang` are what their
 * names say, `swap` returns another message in its place. Each begin is told in a line of JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  IngestControlMessage,
  MessageBrokerTaskSink,
  MessageBrokerTaskSource,
  Pipeline,
} from "millrace";

const options = JSON.parse(process.argv[2]);
const { port, leaseMs = 300_000, concurrency = 4, stageTimeoutMs = 60_000, isQuiet } = options;
const ownBroker = { host: "127.0.0.1", port, maxConnections: 2 * concurrency + 8 };
const { brokerClient = ownBroker } = options;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const log = (details, text) => process.stderr.write(`${text} ${JSON.stringify(details)}\n`);
const logger = { debug() {}, info: log, warn: log, error: log };

async function obey(message, { signal }) {
  const [word, number = "0"] = String(message.payload[0]?.content).split(" ");
  if (!isQuiet) say({ event: "begun", word, jobId: message.jobId });
  switch (word) {
    case "work":
      await sleep(Number(number), undefined, { signal });
      return message;
    case "block":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(number));
      return message;
    case "poison":
      process.kill(process.pid, "SIGKILL");
      return new Promise(() => {});
    case "throw":
      throw new Error("thrown on purpose");
    case "nothing":
      return undefined;
    case "foreign":
      return { status: "a plain object" };
    case "swap":
      return new IngestControlMessage();
    case "hang":
      return new Promise(() => {});
    default:
      return message;
  }
}

const pipeline = new Pipeline({
  source: new MessageBrokerTaskSource({ brokerClient, leaseMs }, { logger }),
  sink: new MessageBrokerTaskSink({ brokerClient, submitTimeoutMs: 10_000 }, { logger }),
  stages: [{ name: "obey", process: obey }],
  concurrency,
  stageTimeoutMs,
  logger,
});
process.once("SIGTERM", async () => {
  await pipeline.stop();
  say({ event: "stopped", ...pipeline.getStats() });
  process.exit(0);
});
// A broker that is being started again is waited for.
for (let attempt = 0; ; attempt++) {
  try {
    await pipeline.start();
    break;
  } catch (error) {
    if (attempt >= 100) throw error;
    await sleep(100);
  }
}
say({ event: "ready", pid: process.pid });
pipeline.ended?.catch((error) => {
  log({ error: String(error) }, "the pipeline ended");
  process.exit(70);
});
