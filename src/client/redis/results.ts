/** Fetching the results of jobs: they are read, not taken, so they can be fetched again. */

import { firedIn, onFired } from "../../core/index.js";
import { QueueErrors } from "../../wire/index.js";
import { type CallBounds, Deadline, throwIfEnded } from "../retry.js";
import { isComplete, joinFragments } from "./fragments.js";
import { jobKeys, resultChannel } from "./keys.js";
import type { Network } from "./network.js";
import { LOOK } from "./scripts/answer.js";
import type { Watch } from "./watch.js";

/** A result that nobody told of is found after so long: other makers' pipelines tell nobody. */
const LOOK_AGAIN_MS = 1_000;
const LOOK_AGAIN_MAX_MS = 5_000;

/** Longer results are not read by a script, which would cost Redis more than anything else. */
export const LARGE_BYTES = 32_768;
/** Jobs whose results a client is told of without asking; of the oldest beyond that it must ask. */
const EXPECTED_MAX = 100_000;
const REMOVE_MS = 30_000;

/** What a fetch found: nothing in time, a result, or that the name is no job's. */
export type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "result"; readonly text: string }
  | { readonly kind: "unknown" };

export class Results {
  readonly #network: Network;
  readonly #watch: Watch;
  readonly #channel: string;
  readonly #keptMs: number;
  readonly #closed: AbortSignal;
  readonly #waiting = new Map<string, Set<() => void>>();
  /** Jobs that this client pushed, and whether it was told that they have a result. */
  readonly #expected = new Map<string, boolean>();
  #listening: Promise<void> | undefined;

  /** @param options.keptMs how long a fetched result can be fetched again. */
  constructor(
    network: Network,
    options: {
      readonly watch: Watch;
      readonly closed: AbortSignal;
      readonly clientId: string;
      readonly keptMs: number;
    },
  ) {
    this.#network = network;
    this.#watch = options.watch;
    this.#channel = resultChannel(options.clientId);
    this.#keptMs = options.keptMs;
    this.#closed = options.closed;
  }

  /** The channel to tell of the result of a job that is about to be pushed: its fetch need not ask first. */
  async expect(jobId: string): Promise<string> {
    await this.#listen();
    if (this.#expected.size >= EXPECTED_MAX) {
      const [oldest] = this.#expected.keys();
      this.#expected.delete(oldest as string);
    }
    this.#expected.set(jobId, false);
    return this.#channel;
  }

  /** @throws QUEUE_RESULT_EXPIRED, CLIENT_FRAGMENTS_INVALID, and what `Network.script` throws. */
  async fetch(jobId: string, bounds: CallBounds): Promise<Found> {
    const { deadline } = bounds;
    let waitMs = LOOK_AGAIN_MS;
    // One that was told of is there; one that will be told of is not there yet.
    let isThere = this.#expected.get(jobId) !== false || deadline.leftMs === 0;
    for (;;) {
      const wake = this.#wakeOf(jobId);
      try {
        const found = isThere ? await this.#look(jobId, bounds) : undefined;
        if (found !== undefined) {
          this.#expected.delete(jobId);
          return found;
        }
        if (deadline.leftMs === 0) return { kind: "nothing" };
        await wake.within(Math.min(waitMs, deadline.leftMs), bounds);
        if (isThere) waitMs = Math.min(waitMs * 1.5, LOOK_AGAIN_MAX_MS);
        isThere = true;
      } finally {
        wake.forget();
      }
    }
  }

  async #look(jobId: string, bounds: CallBounds): Promise<Found | undefined> {
    const { result, job } = jobKeys(jobId);
    const args = [this.#channel, this.#keptMs, LARGE_BYTES];
    const answer = await this.#network.script(LOOK, [result, job], args, bounds);
    const [kind, ...parts] = answer as [string, ...string[]];
    switch (kind) {
      case "unknown":
        return { kind };
      case "expired":
        throw expired(parts[0]);
      case "foreign":
        if (isComplete(parts)) return { kind: "result", text: joinFragments(parts) };
        break;
      case "result":
        return { kind, text: this.#taken(jobId, parts) };
      case "large": {
        const all = await this.#network.command(result, ["LRANGE", result, "0", "-1"], bounds);
        const fragments = all as string[];
        if (fragments.length > 0) return { kind: "result", text: this.#taken(jobId, fragments) };
      }
    }
    await this.#listen();
    return undefined;
  }

  /** Removed only now that it is here, where it is not to be kept: an answer may be lost on its way. */
  #taken(jobId: string, fragments: readonly string[]): string {
    if (this.#keptMs === 0) {
      const { result, job } = jobKeys(jobId);
      const closed = this.#closed;
      const bounds = { deadline: new Deadline(REMOVE_MS), signals: [], closed };
      this.#network.command(result, ["UNLINK", result, job], bounds).catch(() => {});
    }
    const [only] = fragments;
    return fragments.length === 1 && only !== undefined ? only : joinFragments(fragments);
  }

  /** Only who waits must hear of results. */
  async #listen(): Promise<void> {
    if (this.#listening !== undefined) return this.#listening;
    const wakeAll = () => {
      for (const jobId of this.#expected.keys()) this.#expected.set(jobId, true);
      for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
    };
    const onMessage = (jobId: string) => {
      if (this.#expected.has(jobId)) this.#expected.set(jobId, true);
      for (const wake of this.#waiting.get(jobId) ?? []) wake();
    };
    this.#listening = this.#watch.listen(this.#channel, { onMessage, onGap: wakeAll });
    // Said before anybody listened, it was said to nobody.
    this.#listening.then(wakeAll);
    return this.#listening;
  }

  #wakeOf(jobId: string) {
    const wakes = this.#waiting.get(jobId) ?? new Set();
    this.#waiting.set(jobId, wakes);
    let isAwake = false;
    let wake = () => {
      isAwake = true;
    };
    const listener = () => wake();
    wakes.add(listener);
    return {
      /** Rejects with the reason of what ended the call. */
      within: (waitMs: number, bounds: CallBounds): Promise<void> =>
        new Promise((resolve, reject) => {
          throwIfEnded(bounds);
          if (isAwake) return resolve();
          const ends = [...bounds.signals, bounds.closed];
          const settle = (then: () => void) => {
            clearTimeout(timer);
            forget();
            then();
          };
          const timer = setTimeout(() => settle(resolve), waitMs);
          const forget = onFired(ends, () => settle(() => reject(firedIn(ends)?.reason)));
          wake = () => settle(resolve);
        }),
      forget: () => {
        wakes.delete(listener);
        if (wakes.size === 0) this.#waiting.delete(jobId);
      },
    };
  }
}

function expired(doneMs: string | undefined): Error {
  const at = doneMs ? ` (the job ended at ${new Date(Number(doneMs)).toISOString()})` : "";
  return QueueErrors.RESULT_EXPIRED({ reason: `Result expired${at}` });
}
