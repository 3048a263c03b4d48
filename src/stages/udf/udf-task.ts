/**
 * What a `udf` task asks for. The text of its function (`udf_function`) is not read here or anywhere:
 * nothing from the wire is run, logged or shown.
 */
import type { ControlMessageTask, IngestControlMessage } from "../../message/index.js";

export interface UdfTask {
  readonly id: string;
  /** Undefined when the task has none, or none that is a text. */
  readonly functionName: string | undefined;
  readonly place: UdfPlace;
}

/** A stage by its name, or the first of a phase, or nothing that can be read. */
export type UdfPlace =
  | {
      readonly kind: "stage";
      readonly stage: string;
      readonly before: boolean;
      readonly after: boolean;
    }
  | { readonly kind: "phase"; readonly phase: number }
  | { readonly kind: "nowhere" };

/** In the order in which they were added. */
export function udfTasksOf(message: IngestControlMessage): UdfTask[] {
  return message
    .getTasks()
    .filter(({ type }) => type === "udf")
    .map(readUdfTask);
}

/** Tasks of jobs were checked when the job was opened; code may have added others. */
function readUdfTask({ id, properties }: ControlMessageTask): UdfTask {
  const { udf_function_name: name } = properties;
  return {
    id,
    functionName: typeof name === "string" ? name : undefined,
    place: placeOf(properties),
  };
}

function placeOf(properties: Readonly<Record<string, unknown>>): UdfPlace {
  const { target_stage: stage, phase, run_before, run_after } = properties;
  if (typeof stage === "string") {
    const [before, after] = [run_before === true, run_after === true];
    if (before || after) return { kind: "stage", stage, before, after };
  } else if (Number.isInteger(phase)) return { kind: "phase", phase: phase as number };
  return { kind: "nowhere" };
}
