/**
 * What a pipeline tells while it works, for metrics and traces. An observer only listens: it is called
 * synchronously and often, so it must be quick; what it throws is logged and changes nothing.
 */
import { type Logger, messageOf } from "../core/index.js";
import type { IngestControlMessage } from "../message/index.js";
import type { Outcome } from "./repeat.js";

export type StageOutcome = "processed" | "skipped" | "failed" | "retried";

export interface StageEvent {
  /** Names the job: the message as its source handed it out, the same in all events of one job. */
  readonly origin: IngestControlMessage;
  readonly stage: string;
  readonly outcome: StageOutcome;
  /** Nanoseconds since 1970. */
  readonly startedAt: bigint;
  readonly durationMs: number;
  readonly attempt: number;
  /** Of an attempt that failed. */
  readonly error?: unknown;
}

export interface JobEvent {
  readonly origin: IngestControlMessage;
  readonly outcome: Exclude<Outcome, "idle">;
  readonly durationMs: number;
  /** Why it failed, as its client reads it. */
  readonly failedReason?: string | undefined;
}

export interface PipelineObserver {
  jobFetched?(origin: IngestControlMessage): void;
  /** After each attempt of a stage, and for each stage that had no work. */
  stageEnded?(event: StageEvent): void;
  /** The job is settled: acknowledged, given back or lost. */
  jobEnded?(event: JobEvent): void;
}

/** An observer that cannot break the pipeline. Undefined stays undefined: nobody pays for nothing. */
export function guardObserver(
  observer: PipelineObserver | undefined,
  logger: Logger,
): PipelineObserver | undefined {
  if (observer === undefined) return undefined;
  const guarded = <E>(listener: ((event: E) => void) | undefined) => {
    if (listener === undefined) return undefined;
    return (event: E) => {
      try {
        listener.call(observer, event);
      } catch (error) {
        logger.error({ error: messageOf(error) }, "an observer failed");
      }
    };
  };
  const [jobFetched, stageEnded, jobEnded] = [
    guarded(observer.jobFetched),
    guarded(observer.stageEnded),
    guarded(observer.jobEnded),
  ];
  return {
    ...(jobFetched && { jobFetched }),
    ...(stageEnded && { stageEnded }),
    ...(jobEnded && { jobEnded }),
  };
}
