/** Trying again, in bounds: by number of attempts, by time, and by the caller's signal. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  backoffMs,
  clampTimerMs,
  firedIn,
  hasCode,
  linkSignals,
  monotonicMs,
  onFired,
  throwIfFired,
} from "../core/index.js";
import { QueueErrors } from "../wire/index.js";

const FULL_BASE_MS = 50;
const FULL_MAX_MS = 500;
/** How long an answer may take when the caller's time is over before it. */
const ANSWER_MS_MIN = 1_000;

/** A point in time that a call may not outlive. */
export class Deadline {
  readonly #atMs: number;

  constructor(timeoutMs: number) {
    this.#atMs = monotonicMs() + timeoutMs;
  }

  /** Milliseconds left, never below 0. */
  get leftMs(): number {
    return Math.max(0, this.#atMs - monotonicMs());
  }
}

/** What bounds a call. */
export interface CallBounds {
  readonly deadline: Deadline;
  /** What its caller ends it with. */
  readonly signals: readonly AbortSignal[];
  /** The end of its client. */
  readonly closed: AbortSignal;
}

/** @throws the reason of what has ended the call. */
export function throwIfEnded({ signals, closed }: CallBounds): void {
  closed.throwIfAborted();
  throwIfFired(signals);
}

/** Sleeps at most until the deadline; rejects when the call is ended, with the reason. */
export async function pause(delayMs: number, bounds: CallBounds): Promise<void> {
  throwIfEnded(bounds);
  const { signal, unlink } = linkSignals(...bounds.signals, bounds.closed);
  try {
    await sleep(Math.min(delayMs, bounds.deadline.leftMs), undefined, { signal });
  } catch (error) {
    throwIfEnded(bounds);
    throw error;
  } finally {
    unlink();
  }
}

/**
 * How long a broker may take for one answer: as long as the call may take, within the client's own
 * bound. It gets a second also when the call's time is over, so that a `timeoutMs` of 0 asks once.
 */
export function answerMs({ deadline }: CallBounds, maxMs: number): number {
  return Math.min(maxMs, Math.max(ANSWER_MS_MIN, deadline.leftMs));
}

/** Calls `action` an answer's time after a signal fired, unless the function returned is called. */
export function afterAbort(signals: readonly AbortSignal[], action: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer ??= setTimeout(action, ANSWER_MS_MIN);
  };
  if (firedIn(signals) !== undefined) onAbort();
  const forget = onFired(signals, onAbort);
  return () => {
    clearTimeout(timer);
    forget();
  };
}

/** Waits for work that goes on by itself, but not longer than this call does. */
export async function within<T>(
  work: Promise<T>,
  { waitMs, signals }: { readonly waitMs: number; readonly signals: readonly AbortSignal[] },
  tooLate: () => Error,
): Promise<T> {
  throwIfFired(signals);
  let timer: NodeJS.Timeout | undefined;
  let forget = () => {};
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate()), clampTimerMs(waitMs));
    forget = onFired(signals, () => reject(firedIn(signals)?.reason));
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
    forget();
  }
}

/** Whether a push was refused for a reason that passes. */
export function isFull(error: unknown): boolean {
  return hasCode(error, QueueErrors.FULL.code) || hasCode(error, QueueErrors.UNAVAILABLE.code);
}

/** Repeats `attempt` while the queue is full or closing, until the deadline; then rethrows. */
export async function whileFull<T>(attempt: () => Promise<T>, bounds: CallBounds): Promise<T> {
  for (let count = 0; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isFull(error) || bounds.deadline.leftMs === 0) throw error;
      await pause(FULL_BASE_MS + backoffMs(count, FULL_BASE_MS, FULL_MAX_MS), bounds);
    }
  }
}
