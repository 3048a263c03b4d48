/** Reads the stages that a pipeline was given, in whichever form. */
import { OptionErrors, parseOptions, quote } from "../core/index.js";
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
    const isConfigured = typeof entry === "object" && entry !== null && "stage" in entry;
    const {
      stage: given,
      name,
      config: ownConfig = NO_CONFIG,
      runsAfter = [],
      ...options
    } = isConfigured ? entry : { stage: entry };
    if (!isStage(given)) throw notAStage(index, given);
    const stage = named(given, name ?? (given.name || `function_${index + 1}`));
    const config = parseOptions(StageOptions, options, `stage ${stage.name}`);
    if (config.batch !== undefined && stage.processBatch === undefined) {
      throw PipelineErrors.BATCH_UNSUPPORTED({ stage: stage.name });
    }
    return { stage, config, ownConfig, runsAfter };
  });
}

function isStage(given: unknown): boolean {
  if (typeof given === "function") return true;
  return typeof (given as { process?: unknown } | null | undefined)?.process === "function";
}

/** Who writes JavaScript has no compiler to say it. */
function notAStage(index: number, given: unknown): Error {
  const is = typeof given === "string" ? `the text ${quote(given)}` : `of type ${typeof given}`;
  const hint = typeof given === "string" ? "; names of stages are for pipeline files" : "";
  const fault = `"stages[${index}]": must be a function or a stage with the method process, is ${is}`;
  return OptionErrors.INVALID({ what: "Pipeline", faults: [fault + hint] });
}

function named(stage: Stage | ProcessingFunction, name: string): Stage {
  if (typeof stage === "function") return { name, process: stage };
  return stage.name === name ? stage : renameStage(stage, name);
}
