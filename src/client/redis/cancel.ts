/** Ending a job wherever it is. */
import type { CancelOutcome } from "../../wire/index.js";
import type { CallBounds } from "../retry.js";
import { jobFacts } from "./job-text.js";
import { jobKeys, queueKeys } from "./keys.js";
import type { Network } from "./network.js";
import { FIND } from "./scripts/workers.js";

/** Messages looked at in one step of Redis. */
const LOOK_AT = 64;

/** @param means.end stores the result that says so, unless the job has ended. */
export async function cancelJob(
  network: Network,
  jobId: string,
  means: { readonly bounds: CallBounds; readonly end: () => Promise<string> },
): Promise<CancelOutcome> {
  const { bounds, end } = means;
  const { job } = jobKeys(jobId);
  const [state, queue] = (await network.command(
    job,
    ["HMGET", job, "s", "q"],
    bounds,
  )) as unknown[];
  if (state === "cancelled") return "cancelled";
  const outcome = await end();
  if (outcome === "unknown") return "unknown";
  if (outcome === "over") {
    const now = await network.command(job, ["HGET", job, "s"], bounds);
    return now === "cancelled" ? "cancelled" : "over";
  }
  if (typeof queue === "string") await takeOut(network, { jobId, queue }, bounds);
  return "cancelled";
}

/** Out of its queue; and who works on it is told. A consumer that gets it all the same is refused. */
async function takeOut(
  network: Network,
  { jobId, queue }: { readonly jobId: string; readonly queue: string },
  bounds: CallBounds,
): Promise<void> {
  const keys = queueKeys(queue);
  for (const list of [keys.queue, keys.last]) {
    for (let from = 0; from >= 0; ) {
      const answer = await network.script(FIND, [list], [jobId, from, LOOK_AT], bounds);
      const [message, index] = answer as [string | null, number];
      if (message === null) from = index;
      else if (jobFacts(message).jobId === jobId) {
        await network.command(list, ["LREM", list, "1", message], bounds);
        return;
      } else from = index + 1;
    }
  }
  // Desks listen at the channel of their task queue, whatever sub-queue the job came from.
  const base = queue.replace(/_(immediate|micro|small|medium|large)$/, "");
  for (const { queue: key, channel } of [keys, queueKeys(base)]) {
    await network.command(key, ["PUBLISH", channel, `cancelled ${jobId}`], bounds);
  }
}
