/**
 * Repeats iterations, several side by side, until one of the limits of a run is reached. It knows
 * what an iteration came to, not what it does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, isRetryable, type Logger, messageOf, monotonicMs } from "../core/index.js";
import type { RunConfig } from "./options.js";

/** How long a fetch waits when nothing else bounds it. */
const FETCH_MS = 30_000;
/** Pauses after the source could not be reached, or a result not be delivered. */
const RETRY_BASE_MS = 200;
const RETRY_MAX_MS = 5_000;

/**
 * "undelivered": the job went back, because its result could not be stored or a stop came first.
 * "lost": the job was taken away, which says nothing against going on with the next one.
 */
export type Outcome = "processed" | "failed" | "undelivered" | "lost" | "idle";

/** One iteration, which waits at most `waitMs` for its message. */
export type Iterate = (waitMs: number) => Promise<Outcome>;

export interface Repetition {
  readonly options: RunConfig;
  /** Ends the repetition, and the waits of its iterations. */
  readonly fetching: AbortController;
  readonly logger: Logger;
}

/** What the loops count together. */
interface Counts {
  iterations: number;
  messages: number;
  idleSinceMs: number;
  /** The source could not be reached; told once, not by every loop at every attempt. */
  isAway: boolean;
}

/**
 * One loop for each of `iterates`. Resolves when a limit is reached or `fetching` was aborted.
 *
 * @throws what an iteration throws and is not worth another try; the other loops end first.
 */
export async function repeat(iterates: readonly Iterate[], repetition: Repetition): Promise<void> {
  const { options, fetching } = repetition;
  const { signal } = options;
  const counts: Counts = { iterations: 0, messages: 0, idleSinceMs: monotonicMs(), isAway: false };
  const onAbort = () => fetching.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  try {
    const loops = iterates.map((iterate) => loop(iterate, repetition, counts));
    // When one ends with an error the others end too, after the message that they have in hand.
    for (const each of loops) each.catch((error: unknown) => fetching.abort(error));
    await Promise.allSettled(loops);
    await Promise.all(loops);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

async function loop(iterate: Iterate, repetition: Repetition, counts: Counts): Promise<void> {
  const { options, fetching, logger } = repetition;
  const { maxIterations = Infinity, maxMessages = Infinity } = options;
  const { pollIntervalMs, idleTimeoutMs = Infinity } = options;
  const { signal } = fetching;
  const waitMs = maxIterations === Infinity ? FETCH_MS : pollIntervalMs;
  let failureCount = 0;
  while (!signal.aborted) {
    if (counts.iterations >= maxIterations || counts.messages >= maxMessages) return;
    counts.iterations++;
    // Counted before it is there, so that loops side by side do not take one too many.
    counts.messages++;
    const startedAtMs = monotonicMs();
    const idleLeftMs = counts.idleSinceMs + idleTimeoutMs - startedAtMs;
    let outcome: Outcome = "idle";
    try {
      outcome = await iterate(Math.max(1, Math.min(waitMs, idleLeftMs)));
      failureCount = outcome === "undelivered" ? failureCount + 1 : 0;
      if (counts.isAway) logger.info({}, "the source answers again");
      counts.isAway = false;
    } catch (error) {
      if (!isRetryable(error)) throw error;
      failureCount++;
      const level = counts.isAway ? "debug" : "warn";
      logger[level]({ error: messageOf(error) }, "the source cannot be reached");
      counts.isAway = true;
    }
    // What hindered it lasts a while, and the job is at the head of its queue again.
    if (failureCount > 0) {
      await pause(backoffMs(failureCount - 1, RETRY_BASE_MS, RETRY_MAX_MS), signal);
    }
    const nowMs = monotonicMs();
    if (outcome !== "idle") {
      counts.idleSinceMs = nowMs;
      continue;
    }
    counts.messages--;
    if (nowMs - counts.idleSinceMs >= idleTimeoutMs) return;
    // A source that does not wait itself must not be asked without a pause.
    await pause(pollIntervalMs - (nowMs - startedAtMs), signal);
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => {});
}
