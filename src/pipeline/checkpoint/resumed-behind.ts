/** Tells from a result whether its job resumed from a checkpoint. */
import type { ResultDocument } from "../../message/index.js";

/**
 * The stage behind which the job went on, or undefined when it ran from the start. A result tells it
 * only when its job asked for tracing, as jobs do unless told, or failed.
 */
export function resumedBehind({ annotations = {} }: ResultDocument): string | undefined {
  for (const { resumed_behind: stage } of Object.values(annotations)) {
    if (typeof stage === "string") return stage;
  }
  return undefined;
}
