/** Gives every step of a pipeline a name of its own. */
import { PipelineErrors } from "./errors.js";
import type { ProcessingFunction, Stage } from "./stage.js";

/**
 * A bare function becomes a stage under its own name, or its place when it has none.
 *
 * @throws PIPELINE_NAME_TAKEN
 */
export function nameStages(stages: readonly (Stage | ProcessingFunction)[]): Stage[] {
  const names = new Set<string>();
  return stages.map((stage, index) => {
    const named =
      typeof stage === "function"
        ? { name: stage.name || `function_${index + 1}`, process: stage }
        : stage;
    if (names.has(named.name)) throw PipelineErrors.NAME_TAKEN({ name: named.name });
    names.add(named.name);
    return named;
  });
}
