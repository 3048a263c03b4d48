/** Counts and times what a pipeline tells of its jobs and stages. Called for each, so it is quick. */
import { Counter, type Registry } from "prom-client";
import { Durations } from "./durations.js";
import type { JobEnded, JobObserver, StageEnded } from "./observer.js";

const JOB_OUTCOMES = ["processed", "failed", "undelivered", "lost"] as const;
const STAGE_OUTCOMES = ["processed", "skipped", "failed", "retried"] as const;

type JobCounts = Record<JobEnded<unknown>["outcome"], number>;
type StageCounts = Record<StageEnded<unknown>["outcome"], number>;

export class JobMeter implements JobObserver<unknown> {
  readonly #jobs: JobCounts = { processed: 0, failed: 0, undelivered: 0, lost: 0 };
  readonly #stages = new Map<string, StageCounts>();
  readonly #jobSeconds: Durations;
  readonly #stageSeconds: Durations;
  readonly #jobCounter: Counter;
  readonly #stageCounter: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#jobCounter = new Counter({
      name: "millrace_jobs_total",
      help: "Jobs by how they ended; undelivered ones went back to their queue and come again.",
      labelNames: ["outcome"],
      registers,
    });
    this.#jobSeconds = new Durations(
      {
        name: "millrace_job_duration_seconds",
        help: "Time from the fetch of a job to the end of its delivery.",
        by: "outcome",
      },
      registry,
    );
    this.#stageCounter = new Counter({
      name: "millrace_stage_attempts_total",
      help: "Attempts of a stage at a message; skipped: it had no work, retried: it is tried again.",
      labelNames: ["stage", "outcome"],
      registers,
    });
    this.#stageSeconds = new Durations(
      {
        name: "millrace_stage_duration_seconds",
        help: "Time of one attempt of a stage at a message.",
        by: "stage",
      },
      registry,
    );
  }

  stageEnded({ stage, outcome, durationMs }: StageEnded<unknown>): void {
    this.#countsOf(stage)[outcome]++;
    if (outcome !== "skipped") this.#stageSeconds.add(stage, durationMs / 1000);
  }

  jobEnded({ outcome, durationMs }: JobEnded<unknown>): void {
    this.#jobs[outcome]++;
    this.#jobSeconds.add(outcome, durationMs / 1000);
  }

  /**
   * Makes the counters say what was counted. Outcomes and stages of which nothing was heard are told
   * as zero: a rate that begins at nothing misses the first one.
   */
  refresh(stages: readonly string[]): void {
    for (const stage of stages) this.#countsOf(stage);
    this.#jobCounter.reset();
    for (const outcome of JOB_OUTCOMES) this.#jobCounter.inc({ outcome }, this.#jobs[outcome]);
    this.#stageCounter.reset();
    for (const [stage, counts] of this.#stages) {
      for (const outcome of STAGE_OUTCOMES) {
        this.#stageCounter.inc({ stage, outcome }, counts[outcome]);
      }
    }
  }

  #countsOf(stage: string): StageCounts {
    let counts = this.#stages.get(stage);
    if (counts === undefined) {
      counts = { processed: 0, skipped: 0, failed: 0, retried: 0 };
      this.#stages.set(stage, counts);
    }
    return counts;
  }
}
