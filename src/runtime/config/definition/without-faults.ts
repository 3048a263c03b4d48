/**
 * Takes what is wrong out of a definition, so that the modules and the graph of the rest can be looked at
 * too, and says for which faults that would only lead to complaints about what is not wrong.
 */
import { nearestKey } from "../../../core/index.js";
import type { Path } from "../text/origin.js";
import type { Fault } from "./fault.js";
import { PipelineDefinition } from "./pipeline-definition.js";
import { isMap } from "./stage-names.js";

/** What a stage that is wrong in one of them would be is not known. */
const OF_GRAPH: readonly PropertyKey[] = ["name", "use", "enabled", "runsAfter"];

/** Stages mean something else without them. */
const NEEDED: readonly string[] = ["stages", "plugins", "edges"];

/**
 * Whether the rest means the same without what is wrong. It would not without a whole stage, or without
 * plugins, on which names of stages depend; an unknown key may have been meant to be one of them.
 */
export function isConfined({ path: [key, , member] }: Fault): boolean {
  if (key === "stages") return member !== undefined;
  const known = Object.keys(PipelineDefinition.shape);
  if (known.includes(String(key))) return key !== "plugins";
  const meant = nearestKey(String(key), known);
  return meant !== undefined && !NEEDED.includes(meant);
}

export function isOfGraph({ path, at }: Fault): boolean {
  const [key, , member, ...inside] = path;
  if (key === "edges") return true;
  const isUnknownKey = at === "key" && inside.length === 0;
  return key === "stages" && (isUnknownKey || OF_GRAPH.includes(member as PropertyKey));
}

/** A copy; what was wrong in it counts as not written. */
export function withoutFaults(given: unknown, faults: readonly Fault[]): unknown {
  return faults.reduce((left, { path }) => without(left, path), given);
}

/** A member of a list goes with the list, since the places of the others would change; not so stages. */
function without(value: unknown, [key, ...inside]: Path): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === key ? without(item, inside) : item));
  }
  if (!isMap(value)) return value;
  const { [String(key)]: member, ...others } = value;
  const isLast = inside.length === 0 || (inside.length === 1 && typeof inside[0] === "number");
  return isLast || member === undefined
    ? others
    : { ...others, [String(key)]: without(member, inside) };
}
