/** What a pipeline tells of itself, in our names and in those of the original framework. */
import type { StageStats } from "./stage-runner.js";

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
  /** When it last took or asked for work: ISO 8601, or null before the first time. */
  lastActivityAt: string | null;
  /** Messages per second since the start. */
  processingRateCps: number;
  source: object;
  sink: object;
  /** By name, in the order of the stages. */
  stages: Record<string, StageStats>;
}

const RENAMED: Readonly<Record<string, string>> = {
  source: "source_stats",
  sink: "sink_stats",
  stages: "stage_stats",
  elapsedSeconds: "elapsed_seconds",
};

/**
 * Stats with the original's names: `processed_count`, `source_stats`, …; `stage_stats` is, as there,
 * an array of `{processed, errors, elapsed}` in the order of the stages. Takes the stats of a
 * pipeline, a source or a sink.
 */
export function toSnakeCase(stats: object): Record<string, unknown> {
  const renamed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(stats)) {
    const name = RENAMED[key] ?? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (key === "stages") renamed[name] = Object.values(value as object).map(stageStats);
    else if (key === "source" || key === "sink") renamed[name] = toSnakeCase(value as object);
    else renamed[name] = value;
  }
  return renamed;
}

function stageStats({ processed, errors, elapsedSeconds }: StageStats): object {
  return { processed, errors, elapsed: elapsedSeconds };
}
