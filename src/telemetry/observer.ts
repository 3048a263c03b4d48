/**
 * What a pipeline tells while it works, as far as metrics and traces listen. `Origin` is whatever
 * names a job; it is never looked into here.
 */

export interface StageEnded<Origin> {
  readonly origin: Origin;
  readonly stage: string;
  readonly outcome: "processed" | "skipped" | "failed" | "retried";
  /** Nanoseconds since 1970. */
  readonly startedAt: bigint;
  readonly durationMs: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly error?: unknown;
}

export interface JobEnded<Origin> {
  readonly origin: Origin;
  readonly outcome: "processed" | "failed" | "undelivered" | "lost";
  readonly durationMs: number;
}

/** Called synchronously and often. */
export interface JobObserver<Origin> {
  jobFetched?(origin: Origin): void;
  stageEnded?(event: StageEnded<Origin>): void;
  jobEnded?(event: JobEnded<Origin>): void;
}

/**
 * One observer for all that are given; undefined when none is, so that nobody pays for it. Whatever
 * one of them throws, the others are told; the first error is thrown then.
 */
export function combineObservers<Origin>(
  ...given: readonly (JobObserver<Origin> | undefined)[]
): JobObserver<Origin> | undefined {
  const observers = given.filter((observer) => observer !== undefined);
  const [only, ...others] = observers;
  if (others.length === 0) return only;
  const tell = (call: (observer: JobObserver<Origin>) => void) => {
    const errors: unknown[] = [];
    for (const observer of observers) {
      try {
        call(observer);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  };
  return {
    jobFetched: (origin) => tell((observer) => observer.jobFetched?.(origin)),
    stageEnded: (event) => tell((observer) => observer.stageEnded?.(event)),
    jobEnded: (event) => tell((observer) => observer.jobEnded?.(event)),
  };
}
