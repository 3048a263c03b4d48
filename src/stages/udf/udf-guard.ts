/** The first stage: turns away `udf` tasks whose function is not registered or has no place here. */
import type { MillraceError } from "../../core/index.js";
import type { ProcessingFunction, Stage } from "../../pipeline/index.js";
import { StagesErrors } from "../errors.js";
import type { UdfConfig } from "./udf-options.js";
import type { UdfPlaces } from "./udf-places.js";
import { type UdfTask, udfTasksOf } from "./udf-task.js";

const UDF_STAGE = "udf";

interface Known {
  readonly config: UdfConfig;
  readonly registry: ReadonlyMap<string, ProcessingFunction>;
  readonly places: UdfPlaces;
}

export function udfGuard({ config, registry, places }: Known): Stage {
  const problemOf = ({ functionName: name, place }: UdfTask): MillraceError | undefined => {
    if (name === undefined || !registry.has(name)) {
      return StagesErrors.UDF_NOT_REGISTERED({ name: name ?? "" });
    }
    if (places.pointsOf(place).length > 0) return undefined;
    return StagesErrors.UDF_PLACE_UNKNOWN({
      name,
      stage: place.kind === "stage" ? place.stage : "",
    });
  };
  return {
    name: UDF_STAGE,
    version: versionOf(config),
    accepts: (message) => message.hasTaskOfType("udf"),
    process(message) {
      for (const task of udfTasksOf(message)) {
        const problem = problemOf(task);
        if (problem === undefined) continue;
        if (config.policy === "fail") throw problem;
        message.tryRemoveTask(task.id);
        message.annotate({
          sourceId: UDF_STAGE,
          taskId: UDF_STAGE,
          message: `skipped: ${problem.message}`,
        });
      }
      return message;
    },
  };
}

/** What later stages make depends on which functions there are, so the guard's version tells. */
function versionOf({ policy, registry, hooks, phases, version }: UdfConfig): string {
  const hookNames = Object.entries(hooks).map(([stage, hook]) => [stage, Object.keys(hook).sort()]);
  const names = [Object.keys(registry).sort(), hookNames.sort(), Object.entries(phases).sort()];
  return JSON.stringify([policy, ...names, version]);
}
