/** What a pipeline tells of itself, in our names and in those of the original framework. */
import type { CircuitState } from "../core/index.js";
import type { CheckpointPlanStats } from "./checkpoint/checkpoint-plan.js";
import type { StageCounts } from "./stage-runner.js";

export interface StageStats extends StageCounts {
  /** Messages in line before the stage, those that are held back among them. */
  waiting: number;
  /** Of those in its inbox, about. */
  waitingBytes: number;
  /** How often a message had to wait before a full inbox. */
  queueFull: number;
  /** How many messages, or batches, it may work on at a time now. */
  concurrency: number;
}

export interface PipelineStats {
  running: boolean;
  /** ISO 8601, or null before the first start. */
  startTime: string | null;
  elapsedSeconds: number;
  /** Messages that ended with their result delivered, or one that was there before, and no failure. */
  processedCount: number;
  /** Messages that ended otherwise; a message counts once, here or there or as lost. */
  errorCount: number;
  /** Messages that were cancelled, or went to another consumer, while they were in work. */
  lostCount: number;
  inFlight: number;
  /** Of the messages in work, about. */
  bytesInFlight: number;
  /** Since a source was last asked for a message, or gave one; null before the first time. */
  idleSeconds: number | null;
  /** Messages per second since the start. */
  processingRateCps: number;
  /** Of the first source, and of the first sink. */
  source: object;
  sink: object;
  /** Of all, by name, where there are several. */
  sources?: Record<string, object>;
  sinks?: Record<string, object>;
  /** By name, in the order of the stages. */
  stages: Record<string, StageStats>;
  /** Of the endpoints that stages called. */
  circuits: Record<string, CircuitState>;
  /** Where stages leave checkpoints. */
  checkpoints?: CheckpointPlanStats;
}

const RENAMED: Readonly<Record<string, string>> = {
  source: "source_stats",
  sink: "sink_stats",
  stages: "stage_stats",
  elapsedSeconds: "elapsed_seconds",
};

/**
 * Stats with the original's names: `processed_count`, `source_stats`, …; `stage_stats` is, as there,
 * an array in the order of the stages, with `processed`, `errors`, `elapsed`, `failed`,
 * `active_processing`, `queue_full` and `processing_rate_cps`. Takes the stats of a pipeline, a source
 * or a sink.
 */
export function toSnakeCase(stats: object): Record<string, unknown> {
  const { elapsedSeconds = 0 } = stats as Partial<PipelineStats>;
  const renamed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(stats)) {
    const name = RENAMED[key] ?? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (key === "stages") {
      const stages = Object.values(value as Record<string, StageStats>);
      renamed[name] = stages.map((stage) => stageStats(stage, elapsedSeconds));
    } else if (key === "source" || key === "sink") renamed[name] = toSnakeCase(value as object);
    else renamed[name] = value;
  }
  return renamed;
}

function stageStats(stage: StageStats, pipelineSeconds: number): object {
  const { processed, errors, elapsedSeconds, inFlight, queueFull } = stage;
  return {
    processed,
    errors,
    elapsed: elapsedSeconds,
    failed: errors,
    active_processing: inFlight,
    queue_full: queueFull,
    processing_rate_cps: pipelineSeconds === 0 ? 0 : processed / pipelineSeconds,
  };
}
