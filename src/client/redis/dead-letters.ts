/** Dead letters in Redis: for each job a hash with the reason and a list with its text, and one index. */
import { isoTime, newId } from "../../core/index.js";
import { DEAD_LIST_MAX } from "../../wire/index.js";
import type { CallOptions } from "../call-options.js";
import { type DeadLetters, deadLettersBy } from "../dead-letters.js";
import type { CallBounds } from "../retry.js";
import { DEAD_INDEX, jobKeys, queueKeys } from "./keys.js";
import type { Network } from "./network.js";
import { DROP_LETTER, REOPEN } from "./scripts/answer.js";
import { PUSH } from "./scripts/push.js";

interface Means {
  readonly jobTimeoutMs: number;
  readonly bounds: (options: CallOptions) => CallBounds;
  /** The text of a message that lies outside of Redis. */
  readonly load: (text: string) => Promise<string>;
}

/** Letters shown, replayed or dropped at once. */
const PAGE = 100;
/** How long a push is remembered that is repeated because its answer was lost. */
const PUSHED_MS = 120_000;

export function redisDeadLetters(network: Network, means: Means): DeadLetters {
  return deadLettersBy(async (question, options) => {
    const bounds = means.bounds(options);
    if (question.action === "list") return list(network, question.after, bounds);
    if (question.action === "show") {
      const letter = await read(network, question.jobId, bounds);
      if (letter === undefined) return { letters: [], count: 0 };
      const { deadText } = jobKeys(question.jobId);
      const held = await network.command(deadText, ["LINDEX", deadText, "0"], bounds);
      const message = typeof held === "string" ? await means.load(held) : held;
      const shown = typeof message === "string" ? { ...letter, message } : letter;
      return { letters: [{ ...shown, bytes: bytesOf(message, letter.bytes) }], count: 1 };
    }
    const settle = question.action === "replay" ? replay : drop;
    if (question.jobId !== undefined) {
      return { letters: [], count: await settle(network, question.jobId, { ...means, bounds }) };
    }
    // Those of now: jobs that fail again meanwhile would be replayed for ever.
    const all = await range(network, { start: 0, end: -1 }, bounds);
    let count = 0;
    for (let start = 0; start < all.length; start += PAGE) {
      const done = await Promise.all(
        all.slice(start, start + PAGE).map((jobId) => settle(network, jobId, { ...means, bounds })),
      );
      count += done.reduce((sum, one) => sum + one, 0);
    }
    return { letters: [], count };
  });
}

/** Drops the oldest beyond the bound. */
export async function trimDeadLetters(
  network: Network,
  maxDeadLetters: number,
  bounds: CallBounds,
): Promise<void> {
  for (;;) {
    const count = Number(await network.command(DEAD_INDEX, ["ZCARD", DEAD_INDEX], bounds));
    if (count <= maxDeadLetters) return;
    const [oldest] = await range(network, { start: 0, end: 0 }, bounds);
    if (oldest === undefined) return;
    await drop(network, oldest, { bounds });
  }
}

async function list(network: Network, after: string | undefined, bounds: CallBounds) {
  const count = Number(await network.command(DEAD_INDEX, ["ZCARD", DEAD_INDEX], bounds));
  const rank =
    after === undefined
      ? undefined
      : await network.command(DEAD_INDEX, ["ZRANK", DEAD_INDEX, after], bounds);
  const from = typeof rank === "number" ? rank + 1 : 0;
  const letters = [];
  for (let start = from; letters.length < DEAD_LIST_MAX; start += PAGE) {
    const jobIds = await range(network, { start, end: start + PAGE - 1 }, bounds);
    const read_ = await Promise.all(jobIds.map((jobId) => read(network, jobId, bounds)));
    letters.push(...read_.filter((letter) => letter !== undefined));
    if (jobIds.length < PAGE) break;
  }
  return { letters: letters.slice(0, DEAD_LIST_MAX), count };
}

async function range(
  network: Network,
  { start, end }: { readonly start: number; readonly end: number },
  bounds: CallBounds,
): Promise<string[]> {
  const args = ["ZRANGE", DEAD_INDEX, String(start), String(end)];
  return (await network.command(DEAD_INDEX, args, bounds)) as string[];
}

async function read(network: Network, jobId: string, bounds: CallBounds) {
  const { letter } = jobKeys(jobId);
  const names = ["queue", "cause", "reason", "deliveries", "at", "bytes", "stored"];
  const values = await network.command(letter, ["HMGET", letter, ...names], bounds);
  const [queue, cause, reason, deliveries, at, bytes, stored] = values as (string | null)[];
  if (queue === null || queue === undefined) return undefined;
  return {
    job_id: jobId,
    queue_name: queue,
    cause: cause ?? "",
    reason: reason ?? "",
    deliveries: Number(deliveries),
    stored_at: isoTime(Number(stored || at) / 1000),
    given_up_at: isoTime(Number(at) / 1000),
    bytes: Number(bytes),
  };
}

function bytesOf(message: unknown, otherwise: number): number {
  return typeof message === "string" ? Buffer.byteLength(message) : otherwise;
}

/**
 * Opens the job, puts it back and then forgets the letter: a crash in between leaves the letter, and
 * the job may be done twice, but it is never lost.
 */
async function replay(
  network: Network,
  jobId: string,
  { bounds, jobTimeoutMs }: { readonly bounds: CallBounds; readonly jobTimeoutMs: number },
): Promise<number> {
  const { result, job, letter, deadText } = jobKeys(jobId);
  const [queue, at] = (await network.command(
    letter,
    ["HMGET", letter, "queue", "at"],
    bounds,
  )) as unknown[];
  if (typeof queue !== "string") return forgetEntry(network, jobId, bounds);
  const keys = [result, job, letter, deadText];
  const text = await network.script(REOPEN, keys, [jobTimeoutMs, queue], bounds);
  if (typeof text !== "string") return 0;
  const queueOf = queueKeys(queue);
  const once = queueOf.pushed(newId());
  const args = [text, PUSHED_MS, 0, "", "", queue, "", ""];
  await network.script(PUSH, [queue, once, queueOf.workers], args, bounds);
  // Done and failed again already, it has a new letter, which stays.
  await drop(network, jobId, { bounds, at: String(at) });
  return 1;
}

async function drop(
  network: Network,
  jobId: string,
  { bounds, at = "" }: { readonly bounds: CallBounds; readonly at?: string },
): Promise<number> {
  const { letter, deadText } = jobKeys(jobId);
  const count = Number(await network.script(DROP_LETTER, [letter, deadText], [at], bounds));
  if (count > 0 || at === "") await forgetEntry(network, jobId, bounds);
  return count;
}

async function forgetEntry(network: Network, jobId: string, bounds: CallBounds): Promise<number> {
  await network.command(DEAD_INDEX, ["ZREM", DEAD_INDEX, jobId], bounds);
  return 0;
}
