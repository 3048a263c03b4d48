/** The options of the pool of threads. */
import { availableParallelism } from "node:os";
import { z } from "zod";

/**
 * One core is left to the event loop, which serves sockets, except on a machine of two: there a
 * second thread is worth more, because the loop is idle most of the time and one slow document
 * would otherwise hold up all the others. Above eight the memory of the threads (each holds its own
 * PDFium) weighs more than the speed; whoever has it may raise the number.
 */
function defaultThreads(): number {
  const cores = availableParallelism();
  return Math.min(Math.max(Math.min(cores, 2), cores - 1), 8);
}

/** What waits holds no copies, and a pipeline has no more messages in work: it must not be refused. */
const WAITING_MAX = 10_000;

export const WorkerPoolOptions = z.strictObject({
  maxThreads: z.int().min(1).max(256).default(defaultThreads).meta({
    description: "The most threads at once.",
    defaultText: "one less than the cores, but both of two; at most 8",
  }),
  idleTimeoutMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(60_000)
    .describe("How long a thread without work is kept before it ends, in milliseconds."),
  maxHeapMb: z
    .int()
    .min(16)
    .max(65_536)
    .default(1_024)
    .describe(
      "JavaScript heap of one thread in MB; a task that needs more fails. WebAssembly is " +
        "not in it.",
    ),
  maxWaitingTasks: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(WAITING_MAX)
    .describe("Tasks that may wait for a thread; one more is refused with WORKERS_QUEUE_FULL."),
});
export type WorkerPoolOptions = z.input<typeof WorkerPoolOptions>;
export type WorkerPoolConfig = z.output<typeof WorkerPoolOptions>;
