/** Fetching the results of jobs: they are read, not taken, so they can be fetched again. */

import { linkSignals } from "../../core/index.js";
import { QueueErrors } from "../../wire/index.js";
import { type CallBounds, pause } from "../retry.js";
import { isComplete, joinFragments } from "./fragments.js";
import { jobKeys, resultChannel } from "./keys.js";
import type { Network } from "./network.js";
import { LOOK } from "./scripts/answer.js";
import type { Watch } from "./watch.js";

/** A result that nobody told of is found after so long: other makers' pipelines tell nobody. */
const LOOK_AGAIN_MS = 1_000;
const LOOK_AGAIN_MAX_MS = 5_000;

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
  readonly #waiting = new Map<string, Set<() => void>>();
  #listening: Promise<void> | undefined;

  /** @param options.keptMs how long a fetched result can be fetched again. */
  constructor(
    network: Network,
    options: { readonly watch: Watch; readonly clientId: string; readonly keptMs: number },
  ) {
    this.#network = network;
    this.#watch = options.watch;
    this.#channel = resultChannel(options.clientId);
    this.#keptMs = options.keptMs;
  }

  /** @throws QUEUE_RESULT_EXPIRED, CLIENT_FRAGMENTS_INVALID, and what `Network.script` throws. */
  async fetch(jobId: string, bounds: CallBounds): Promise<Found> {
    const { deadline } = bounds;
    for (let waitMs = LOOK_AGAIN_MS; ; waitMs = Math.min(waitMs * 1.5, LOOK_AGAIN_MAX_MS)) {
      const wake = this.#wakeOf(jobId);
      try {
        const found = await this.#look(jobId, bounds);
        if (found !== undefined) return found;
        if (deadline.leftMs === 0) return { kind: "nothing" };
        await wake.within(Math.min(waitMs, deadline.leftMs), bounds);
      } finally {
        wake.forget();
      }
    }
  }

  async #look(jobId: string, bounds: CallBounds): Promise<Found | undefined> {
    const { result, job } = jobKeys(jobId);
    const args = [this.#channel, this.#keptMs];
    const answer = await this.#network.script(LOOK, [result, job], args, bounds);
    const [kind, ...rest] = answer as [string, ...string[]];
    if (kind === "unknown") return { kind };
    if (kind === "expired") throw expired(rest[0]);
    if (kind === "result" && isComplete(rest)) return { kind, text: joinFragments(rest) };
    await this.#listen();
    return undefined;
  }

  /** Only who waits must hear of results. */
  async #listen(): Promise<void> {
    if (this.#listening !== undefined) return this.#listening;
    const wakeAll = () => {
      for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
    };
    const onMessage = (jobId: string) => {
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
    const controller = new AbortController();
    const wake = () => controller.abort();
    wakes.add(wake);
    return {
      async within(waitMs: number, bounds: CallBounds): Promise<void> {
        const { signal, unlink } = linkSignals(...bounds.signals, controller.signal);
        try {
          await pause(waitMs, { ...bounds, signals: [signal] });
        } catch (error) {
          if (!controller.signal.aborted || bounds.closed.aborted) throw error;
          for (const each of bounds.signals) each.throwIfAborted();
        } finally {
          unlink();
        }
      },
      forget: () => {
        wakes.delete(wake);
        if (wakes.size === 0) this.#waiting.delete(jobId);
      },
    };
  }
}

function expired(doneMs: string | undefined): Error {
  const at = doneMs ? ` (the job ended at ${new Date(Number(doneMs)).toISOString()})` : "";
  return QueueErrors.RESULT_EXPIRED({ reason: `Result expired${at}` });
}
