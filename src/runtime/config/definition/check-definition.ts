/**
 * Checks a pipeline's definition as a whole: its schema, the options of built-in stages, and names that
 * point at nothing. All faults are told at once. Loads nothing: what a module offers is the business of
 * whoever loads it, and whether the graph holds together that of the pipeline.
 */
import { nameFaults } from "./check-names.js";
import type { Fault } from "./fault.js";
import { KNOWN_STAGES } from "./known-stages.js";
import {
  type DefinedPipeline,
  type DefinedStage,
  PipelineDefinition,
} from "./pipeline-definition.js";
import { checkBySchema } from "./schema-faults.js";
import { isMap, nameOf, writtenStages } from "./stage-names.js";
import { isConfined, isOfGraph, withoutFaults } from "./without-faults.js";

export type CheckedDefinition =
  | {
      readonly definition: DefinedPipeline;
      readonly faults: readonly [];
      readonly rest?: undefined;
    }
  | {
      readonly definition: undefined;
      readonly faults: readonly Fault[];
      /** What is left without what is wrong; undefined when what it says would mislead. */
      readonly rest: Remainder<DefinedPipeline> | undefined;
    };

export interface Remainder<Pipeline> {
  readonly pipeline: Pipeline;
  /** Whether none of the faults is about which stage comes after which. */
  readonly hasGraph: boolean;
}

/** @param given as it was written; what has the wrong type in it is passed over after its fault. */
export function checkDefinition(given: unknown): CheckedDefinition {
  const { definition, faults } = completed(given);
  if (definition !== undefined) return { definition, faults: [] };
  return { definition, faults, rest: restOf(given, faults) };
}

interface Completed {
  /** Undefined when there are faults. */
  readonly definition: DefinedPipeline | undefined;
  readonly faults: readonly Fault[];
}

function completed(given: unknown): Completed {
  const { data, faults: wrong } = checkBySchema(PipelineDefinition, given);
  const told = wrong.map((fault) => withHint(fault, given));
  const faults = [...told, ...configFaults(given), ...nameFaults(given)];
  if (data === undefined || faults.length > 0) return { definition: undefined, faults };
  const stages = data.stages.map(({ name, ...stage }, index) => ({
    name: nameOf({ name, use: stage.use }, index),
    ...stage,
  }));
  const isConcurrencyGiven = (given as PipelineDefinition).concurrency !== undefined;
  const concurrency = isConcurrencyGiven
    ? data.concurrency
    : Math.max(data.concurrency, placesOf(stages));
  return { definition: { ...data, stages, concurrency }, faults: [] };
}

/** Whoever has more faults than this mends those first. */
const FAULTS_MAX = 100;

function restOf(given: unknown, faults: readonly Fault[]): Remainder<DefinedPipeline> | undefined {
  if (faults.length > FAULTS_MAX || !faults.every(isConfined)) return undefined;
  const { definition } = completed(withoutFaults(given, faults));
  return definition && { pipeline: definition, hasGraph: !faults.some(isOfGraph) };
}

/** What people write first, and how it is written here. */
function withHint(fault: Fault, given: unknown): Fault {
  const [list, index, key, ...deeper] = fault.path;
  if (list === undefined && !isMap(given)) {
    const what = given === null || given === undefined ? "there is nothing in it" : fault.text;
    return { ...fault, text: `${what}; begin with "stages:" and a list of them` };
  }
  if (list === "stages" && index === undefined) {
    return { ...fault, text: `${fault.text}; begin each stage with "- use: "` };
  }
  if (index === undefined || !isMap(given)) return fault;
  const written: unknown = (given[String(list)] as readonly unknown[] | undefined)?.[Number(index)];
  if (key === undefined) {
    if (list === "stages" && typeof written === "string") {
      return { ...fault, text: "expected an object; write { use: … }" };
    }
    const isPair = list === "edges" && (Array.isArray(written) || typeof written === "string");
    return isPair ? { ...fault, text: "expected an object; write { from: …, to: … }" } : fault;
  }
  const isUnknownKey = list === "stages" && fault.at === "key" && deeper.length === 0;
  const use = isMap(written) ? written.use : undefined;
  const known = typeof use === "string" ? KNOWN_STAGES.get(use) : undefined;
  const isOfConfig = isUnknownKey && Object.hasOwn(known?.options.shape ?? {}, key);
  return isOfConfig ? { ...fault, text: `${fault.text}; it belongs under "config"` } : fault;
}

const PLACES_MAX = 10_000;

/** How many messages those stages take at once that say so: fewer in work would leave them idle. */
function placesOf(stages: readonly DefinedStage[]): number {
  const places = stages.flatMap(({ enabled, concurrency, batch }) => {
    if (!enabled || (concurrency === undefined && batch === undefined)) return [];
    const most = typeof concurrency === "object" ? concurrency.max : (concurrency ?? 1);
    return [most * (batch?.maxSize ?? 1)];
  });
  return Math.min(
    places.reduce((sum, count) => sum + count, 0),
    PLACES_MAX,
  );
}

function configFaults(given: unknown): Fault[] {
  return writtenStages(given).flatMap(({ stage, index }) => {
    const { use, config = {} } = stage;
    const known = typeof use === "string" ? KNOWN_STAGES.get(use) : undefined;
    if (known === undefined || !isMap(config)) return [];
    return checkBySchema(known.options, config, ["stages", index, "config"]).faults;
  });
}
