/** Names of a definition that are taken twice, or point at no stage. */
import { quote } from "../../../core/index.js";
import type { Fault } from "./fault.js";
import { didYouMean } from "./schema-faults.js";
import { isMap, type WrittenStage, writtenStages } from "./stage-names.js";

/** Parts that every pipeline has; no stage may be called like them. */
const RESERVED = ["source", "sink", "udf", "udf_end"];

/** @param given a definition as it was written; what cannot be read in it is passed over. */
export function nameFaults(given: unknown): Fault[] {
  const stages = writtenStages(given);
  const names = stages.flatMap(({ name }) => name ?? []);
  return [
    ...takenNames(stages),
    ...stages.flatMap((stage) => unknownBefore(stage, [...names, "source"])),
    ...unknownEnds(given, names),
    ...unknownHooks(given, names),
  ];
}

function takenNames(stages: readonly WrittenStage[]): Fault[] {
  const first = new Map<string, number>();
  return stages.flatMap(({ name, index, stage }) => {
    if (name === undefined) return [];
    const path = ["stages", index, stage.name === undefined ? "use" : "name"];
    const other = first.get(name);
    first.set(name, other ?? index);
    if (RESERVED.includes(name)) {
      const text = `every pipeline has a part named ${quote(name)}; choose another "name"`;
      return [{ path, at: "value", text } as const];
    }
    if (other === undefined) return [];
    const text = `stages[${other}] is named ${quote(name)} too; give one of them another "name"`;
    return [{ path, at: "value", text } as const];
  });
}

function unknownBefore({ stage, index }: WrittenStage, known: readonly string[]): Fault[] {
  const runsAfter: unknown[] = Array.isArray(stage.runsAfter) ? stage.runsAfter : [];
  return runsAfter.flatMap((before, place) =>
    unknownName(before, ["stages", index, "runsAfter", place], known),
  );
}

function unknownEnds(given: unknown, names: readonly string[]): Fault[] {
  const edges: unknown[] = isMap(given) && Array.isArray(given.edges) ? given.edges : [];
  return edges.flatMap((edge, index) => {
    if (!isMap(edge)) return [];
    return [
      ...unknownName(edge.from, ["edges", index, "from"], [...names, "source"]),
      ...unknownName(edge.to, ["edges", index, "to"], [...names, "sink"]),
    ];
  });
}

function unknownHooks(given: unknown, names: readonly string[]): Fault[] {
  const { udf } = isMap(given) ? given : {};
  const { hooks } = isMap(udf) ? udf : {};
  return Object.keys(isMap(hooks) ? hooks : {}).flatMap((name) =>
    unknownName(name, ["udf", "hooks", name], names).map((fault) => ({ ...fault, at: "key" })),
  );
}

/** What is no text has its fault from the schema. */
function unknownName(name: unknown, path: Fault["path"], known: readonly string[]): Fault[] {
  if (typeof name !== "string" || known.includes(name)) return [];
  return [
    { path, at: "value", text: `there is no stage ${quote(name)}${didYouMean(name, known)}` },
  ];
}
