/** Reads the stages that a pipeline was given, in whichever form. */
import { parseOptions } from "../core/index.js";
import { PipelineErrors } from "./errors.js";
import { renameStage } from "./rename-stage.js";
import type { ProcessingFunction, Stage, StageEntry } from "./stage.js";
import { type StageConfig, StageOptions } from "./stage-options.js";

export interface ConfiguredStage {
  readonly stage: Stage;
  readonly config: StageConfig;
  /** What the stage itself is told, as it is. */
  readonly ownConfig: Readonly<Record<string, unknown>>;
  readonly runsAfter: readonly string[];
}

const NO_CONFIG = Object.freeze({});

/**
 * A bare function becomes a stage under its own name, or its place when it has none.
 *
 * @throws OPTIONS_INVALID, PIPELINE_BATCH_UNSUPPORTED
 */
export function readStages(entries: readonly StageEntry[]): ConfiguredStage[] {
  return entries.map((entry, index) => {
    const isConfigured = typeof entry === "object" && "stage" in entry;
    const {
      stage: given,
      name,
      config: ownConfig = NO_CONFIG,
      runsAfter = [],
      ...options
    } = isConfigured ? entry : { stage: entry };
    const stage = named(given, name ?? (given.name || `function_${index + 1}`));
    const config = parseOptions(StageOptions, options, `stage ${stage.name}`);
    if (config.batch !== undefined && stage.processBatch === undefined) {
      throw PipelineErrors.BATCH_UNSUPPORTED({ stage: stage.name });
    }
    return { stage, config, ownConfig, runsAfter };
  });
}

function named(stage: Stage | ProcessingFunction, name: string): Stage {
  if (typeof stage === "function") return { name, process: stage };
  return stage.name === name ? stage : renameStage(stage, name);
}
