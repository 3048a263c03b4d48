/** A pipeline built in code: the same definition, checked by the same rules, as in a file. */
import { RuntimeErrors } from "../../errors.js";
import { pathText } from "../text/origin.js";
import { checkDefinition } from "./check-definition.js";
import { type Fault, gotText } from "./fault.js";
import type { DefinedPipeline, PipelineDefinition } from "./pipeline-definition.js";

/**
 * The complete definition: defaults filled in, every stage named. What a file of the same members gives
 * is deep-equal to it. In code `use` may also be a stage or a function.
 *
 * @throws RUNTIME_PIPELINE_INVALID with all faults at once.
 */
export function definePipeline(definition: PipelineDefinition): DefinedPipeline {
  const { definition: defined, faults } = checkDefinition(definition);
  if (defined !== undefined) return defined;
  throw RuntimeErrors.PIPELINE_INVALID({ what: "the pipeline", faults: faults.map(faultText) });
}

/** `stages[0].runOn: expected "main" or "thread" (got "tread")` */
export function faultText(fault: Fault): string {
  const path = pathText(fault.at === "key" ? fault.path.slice(0, -1) : fault.path);
  return `${path === "" ? "" : `${path}: `}${fault.text}${gotText(fault)}`;
}
