/** What becomes of the messages of workers whose lease is over: any other worker puts them back. */
import type { CallBounds } from "../retry.js";
import { BLOCK_MS } from "./blocker.js";
import { countingName, jobFacts } from "./job-text.js";
import { jobKeys, type QueueKeys } from "./keys.js";
import type { Network } from "./network.js";
import type { Claim } from "./redis-delivery.js";
import { REMOVE } from "./scripts/claim.js";
import { COUNT_DEATH, FORGET, HELD, OVERDUE, TAKE_OVER } from "./scripts/workers.js";
import type { Worker } from "./worker.js";

/** Until then a connection of a dead worker may still be blocked, and get a message. */
const LAST_MESSAGE_MS = BLOCK_MS + 2_000;
/** When a dead worker is looked at again. */
const LOOK_AGAIN_MS = 1_000;

/** For so long one worker alone looks after the dead: hundreds at once would be in each other's way. */
const KEEPER_MS = 400;

/** Messages that are no jobs have nobody to be answered, and go back however often. */
const NEVER = 1_000_000_000;

interface Recovery {
  readonly network: Network;
  readonly base: QueueKeys;
  readonly queues: readonly QueueKeys[];
  readonly worker: Worker;
  readonly maxDeliveries: number;
  readonly giveUp: (
    claim: Claim,
    job: { text: string; jobId: string; deaths: number },
  ) => Promise<void>;
  readonly bounds: () => CallBounds;
  readonly reserve: () => Promise<number>;
  readonly free: (place: number) => void;
  readonly doubt: (place: number) => void;
}

/** When to look again, in ms; -1: nobody of those seen is dead any more. */
export async function recover(recovery: Recovery): Promise<number> {
  const { network, base, bounds, worker } = recovery;
  const keys = [base.workers, base.keeper];
  const answer = await network.script(OVERDUE, keys, [worker.id, KEEPER_MS], bounds());
  if (!Array.isArray(answer)) return KEEPER_MS;
  const found = answer as (string | number)[];
  let nextMs = -1;
  for (let index = 0; index < found.length; index += 2) {
    const workerId = found[index] as string;
    await recoverWorker(recovery, workerId);
    if (Number(found[index + 1]) > LAST_MESSAGE_MS) {
      await network.script(FORGET, [base.workers, base.worker(workerId)], [workerId], bounds());
    } else nextMs = LOOK_AGAIN_MS;
  }
  return nextMs;
}

async function recoverWorker(recovery: Recovery, workerId: string): Promise<void> {
  const { network, base, queues, bounds } = recovery;
  const hash = base.worker(workerId);
  const places = await network.command(hash, ["HGET", hash, "places"], bounds());
  for (const keys of queues) {
    const prefix = keys.claim(workerId, 0).slice(0, -1);
    const held = await network.script(HELD, [keys.queue], [prefix, Number(places ?? 0)], bounds());
    // Put back one by one to the head: the last first, so that the first is first again.
    for (const place of (held as number[]).toReversed()) {
      await takeOver(recovery, { keys, workerId, place });
    }
  }
}

async function takeOver(
  recovery: Recovery,
  { keys, workerId, place }: { keys: QueueKeys; workerId: string; place: number },
): Promise<void> {
  const { network, worker, bounds, reserve, free, doubt } = recovery;
  const own = await reserve();
  const claim = keys.claim(worker.id, own);
  try {
    const from = keys.claim(workerId, place);
    const text = await network.script(TAKE_OVER, [from, claim], [], bounds());
    if (typeof text === "string") await putBack(recovery, { keys, claim, place: own, text });
    free(own);
  } catch (error) {
    doubt(own);
    throw error;
  }
}

async function putBack(
  { network, worker, maxDeliveries, giveUp, bounds }: Recovery,
  held: { keys: QueueKeys; claim: string; place: number; text: string },
): Promise<void> {
  const { keys, claim, place, text } = held;
  const { jobId } = jobFacts(text);
  if (jobId !== undefined && (await isOver(network, jobId, bounds()))) {
    await network.script(REMOVE, [claim], [], bounds());
    return;
  }
  const max = jobId === undefined ? NEVER : maxDeliveries;
  const scriptKeys = [claim, keys.queue, keys.last, keys.deliveries];
  const args = [countingName(text), max];
  const deaths = (await network.script(COUNT_DEATH, scriptKeys, args, bounds())) as number;
  network.logger.warn({ jobId, deaths, queue: keys.queue }, "a worker died with this job");
  if (jobId !== undefined && deaths >= max) {
    const lost = { workerId: worker.id, place, sequence: 0, queueName: keys.queue };
    await giveUp(lost, { text, jobId, deaths });
  } else if (deaths === max - 1) {
    // Who blocks at the queue does not see those before their last attempt.
    await network.command(keys.queue, ["PUBLISH", keys.channel, "look"], bounds());
  }
}

async function isOver(network: Network, jobId: string, bounds: CallBounds): Promise<boolean> {
  const { job } = jobKeys(jobId);
  const state = await network.command(job, ["HGET", job, "s"], bounds);
  return typeof state === "string" && state !== "open";
}
