/** BullMQ's queue and events under load, in a process of its own: from a job's submit to its result. */
import { once } from "node:events";
import { Queue, QueueEvents } from "bullmq";
import { type LoadBounds, runLoad } from "../load.js";
import { jobText } from "../messages.js";
import { serveCalls } from "../worker.js";

/** How a result is awaited; see bench/README.md. */
export type BullWait = "events" | "finished";

interface BullLoad extends LoadBounds {
  readonly bytes: number;
  readonly wait: BullWait;
}

/** `waitUntilFinished` asks once for the job, too, and must still find it. */
const KEPT = { count: 1_000 };

let queue: Queue;
let events: QueueEvents;
let next = 0;

async function byEvents(data: unknown): Promise<unknown> {
  const jobId = `job-${next++}`;
  const done = once(events, `completed:${jobId}`);
  await queue.add("job", data, { jobId, removeOnComplete: true });
  const [{ returnvalue }] = await done;
  return returnvalue;
}

async function byFinished(data: unknown): Promise<unknown> {
  const job = await queue.add("job", data, { removeOnComplete: KEPT });
  return job.waitUntilFinished(events);
}

interface BullQueue {
  readonly port: number;
  readonly queue: string;
  /** Events that Redis keeps, each with its result; BullMQ's own number unless given. */
  readonly eventsMax?: number;
}

serveCalls({
  async connect({ port, queue: name, eventsMax }: BullQueue) {
    const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
    const kept = eventsMax && { streams: { events: { maxLen: eventsMax } } };
    queue = new Queue(name, { connection, ...kept });
    // From the first event on: those before its first question would else be lost.
    events = new QueueEvents(name, { connection, lastEventId: "0" });
    events.setMaxListeners(0);
    queue.setMaxListeners(0);
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  },
  async jobs({ bytes, wait, ...bounds }: BullLoad) {
    const data: unknown = JSON.parse(jobText(bytes));
    const run = wait === "events" ? byEvents : byFinished;
    return runLoad(bounds, async () => {
      const result = (await run(data)) as { job_payload?: unknown } | null;
      if (result?.job_payload === undefined) throw new Error("a job has no good result");
    });
  },
});
