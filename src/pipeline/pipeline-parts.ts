/** What a pipeline is made of, in the forms in which people write it. */
import { type Logger, OptionErrors } from "../core/index.js";
import type { CheckpointStore } from "./checkpoints.js";
import type { Edge } from "./graph.js";
import type { PipelineObserver } from "./observer.js";
import type { PipelineSettings } from "./options.js";
import type { Sink } from "./sink.js";
import type { Source } from "./source.js";
import type { ProcessingFunction, StageEntry } from "./stage.js";
import type { ConfiguredStage } from "./stage-entries.js";

interface CommonParts extends PipelineSettings {
  /** A bare function is a stage; `{stage, concurrency, retry, …}` gives one its options. */
  readonly stages?: readonly StageEntry[];
  /** Run in this order, after the stages. */
  readonly processingFunctions?: readonly ProcessingFunction[];
  /** Which part hands its messages to which; without edges the parts are a chain. */
  readonly edges?: readonly Edge[];
  /** Where stages with `checkpoint: true` keep their work; only for chains. */
  readonly checkpoints?: CheckpointStore | undefined;
  readonly observer?: PipelineObserver | undefined;
  readonly logger?: Logger | undefined;
}

/** One source and one sink; in `edges` they are named "source" and "sink". */
export interface PipelineParts extends CommonParts {
  readonly source: Source;
  readonly sink: Sink;
}

/** Several of them, each with its name. */
export interface GraphParts extends CommonParts {
  readonly sources: readonly (readonly [name: string, source: Source])[];
  readonly sinks: readonly (readonly [name: string, sink: Sink])[];
}

/** One form of both. */
export function readParts(parts: PipelineParts | GraphParts) {
  const { stages = [], processingFunctions = [], edges = [], ...others } = parts;
  const { checkpoints, observer, logger, ...ends } = others;
  const common = {
    stages: [...stages, ...processingFunctions],
    edges,
    checkpoints,
    observer,
    logger,
  };
  if ("sources" in ends) {
    const { sources, sinks, ...settings } = ends;
    checkEnds(sources, sinks);
    return { ...common, sources, sinks, settings };
  }
  const { source, sink, ...settings } = ends;
  const [sources, sinks] = [[["source", source] as const], [["sink", sink] as const]];
  checkEnds(sources, sinks);
  return { ...common, sources, sinks, settings };
}

/** Who writes JavaScript has no compiler to say it. @throws OPTIONS_INVALID */
function checkEnds(sources: GraphParts["sources"], sinks: GraphParts["sinks"]): void {
  const faults = [...faultsOf(sources, "getMessage"), ...faultsOf(sinks, "processMessage")];
  if (faults.length > 0) throw OptionErrors.INVALID({ what: "Pipeline", faults });
}

function faultsOf(
  ends: readonly (readonly [name: string, end: unknown])[],
  method: string,
): string[] {
  return ends.flatMap(([name, end]) => {
    if (end === undefined || end === null) return [`"${name}" is missing`];
    const isOne = typeof (end as Record<string, unknown>)[method] === "function";
    return isOne ? [] : [`"${name}": must have the method ${method}`];
  });
}

const PLACES_MAX = 10_000;

/**
 * How many messages the stages have room for, in work and in line; one where no stage says how many it
 * works on.
 */
export function placesOf(stages: readonly ConfiguredStage[]): number {
  let places = 0;
  for (const { config } of stages) {
    const { concurrency, batch, inbox } = config;
    if (concurrency === undefined && batch === undefined) continue;
    const most = typeof concurrency === "object" ? concurrency.max : (concurrency ?? 1);
    places += most * (batch?.maxSize ?? 1) + inbox.maxMessages;
  }
  return Math.min(Math.max(places, 1), PLACES_MAX);
}
