/**
 * Answers the jobs that still wait when the queues end with their process: the promise of one result
 * per accepted job holds for them too. Knows the queues as calls, not the network.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { epochNanoseconds, monotonicMs } from "../core/index.js";
import { buildResult, encodeResult, openJob } from "../message/index.js";
import { PipelineErrors } from "../pipeline/index.js";
import { decodeBody, encodeBody, type MessageExchange } from "../wire/index.js";

const NAME = "local_server";
/** After so many answers the sockets get their turn, so that waiting clients hear them. */
const TURN_COUNT = 50;

/**
 * Takes jobs out of the queue and stores a failed result for each, until none is left or the time
 * is over. Returns how many were answered.
 */
export async function answerQueued(
  exchange: MessageExchange,
  queue: { readonly taskQueue: string; readonly timeoutMs: number },
): Promise<number> {
  const endMs = monotonicMs() + queue.timeoutMs;
  for (let count = 0; ; count++) {
    const held = monotonicMs() < endMs && (await exchange.take(queue.taskQueue, { waitMs: 0 }));
    if (!held) return count;
    const text = decodeBody(held.body);
    const message = openJob(text, { sourceName: NAME, fetchedAt: epochNanoseconds() });
    const { jobId } = message;
    if (jobId !== undefined) {
      message.fail({ stage: NAME, cause: PipelineErrors.STOPPED({}) });
      const result = encodeBody(encodeResult(buildResult(message)));
      const { leaseId } = held;
      await exchange.store(jobId, result, { stampJobId: false, leaseId });
    }
    await held.acknowledge();
    if (count % TURN_COUNT === 0) await nextTurn();
  }
}
