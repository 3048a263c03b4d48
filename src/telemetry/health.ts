/** Whether a pipeline and a broker live and are ready, in the words that supervisors ask for. */
import { type ComponentState, monotonicMs, settlesWithin } from "../core/index.js";
import type { PipelineFacts } from "./facts.js";

export interface Health {
  readonly isWell: boolean;
  /** What is so, and since when; goes out as JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface HealthSources {
  readonly pipeline?: (() => PipelineFacts | undefined) | undefined;
  /** Whether what feeds the pipeline answers now. */
  readonly isSourceReachable?: (() => Promise<boolean>) | undefined;
  readonly brokerState?: (() => ComponentState) | undefined;
  readonly livenessMs: number;
}

/** How long the source may take to answer. */
const REACH_MS = 2_000;
/** However often somebody asks, the source is asked no more often than this. */
const REACH_AGAIN_MS = 1_000;

export class HealthChecks {
  readonly #sources: HealthSources;
  readonly #sinceMs = monotonicMs();
  #reached: { readonly atMs: number; readonly answer: Promise<boolean> } | undefined;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  /**
   * The pipeline took or asked for work within `livenessMs`, and the broker is not stopped: one that
   * reads back its messages at its start lives. Before the first work the time runs from the start.
   */
  live(): Health {
    const { pipeline, brokerState, livenessMs } = this.#sources;
    const state = brokerState?.();
    if (state === "stopped" || state === "failed") {
      return { isWell: false, facts: { reason: `the broker is ${state}` } };
    }
    if (pipeline === undefined) return { isWell: true, facts: {} };
    const { idleSeconds = null } = pipeline() ?? {};
    const watchedMs = monotonicMs() - this.#sinceMs;
    const idleMs = Math.round(Math.min(watchedMs, (idleSeconds ?? Infinity) * 1000));
    const facts = { idleMs, livenessMs };
    if (idleMs <= livenessMs) return { isWell: true, facts };
    const reason = `the pipeline took and asked for no work in ${idleMs} ms`;
    return { isWell: false, facts: { reason, ...facts } };
  }

  /** Started, not stopping, and what feeds the pipeline answers. */
  async ready(): Promise<Health> {
    const { pipeline, brokerState } = this.#sources;
    const state = brokerState?.() ?? "running";
    if (state !== "running") return { isWell: false, facts: { reason: `the broker is ${state}` } };
    if (pipeline === undefined) return { isWell: true, facts: {} };
    if (pipeline()?.running !== true) {
      return { isWell: false, facts: { reason: "the pipeline is not running" } };
    }
    if (await this.#isReachable()) return { isWell: true, facts: {} };
    const reason = "the broker that the pipeline takes its jobs from does not answer";
    return { isWell: false, facts: { reason } };
  }

  #isReachable(): Promise<boolean> {
    const { isSourceReachable } = this.#sources;
    if (isSourceReachable === undefined) return Promise.resolve(true);
    const atMs = monotonicMs();
    if (this.#reached === undefined || atMs - this.#reached.atMs >= REACH_AGAIN_MS) {
      this.#reached = { atMs, answer: answersWithin(isSourceReachable(), REACH_MS) };
    }
    return this.#reached.answer;
  }
}

async function answersWithin(question: Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const answer = question.catch(() => false);
  return (await settlesWithin(answer, timeoutMs)) && (await answer);
}
