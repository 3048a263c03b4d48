/**
 * Puts a pipeline together, and tells what its engine has against the parts in the words of the
 * definition: with the place of what is wrong.
 */
import { hasCode, type MillraceError, quote } from "../../../core/index.js";
import { Pipeline, PipelineErrors, type PipelineParts } from "../../../pipeline/index.js";
import { RuntimeErrors } from "../../errors.js";
import type { Fault } from "../definition/fault.js";
import type { DefinedPipeline } from "../definition/pipeline-definition.js";
import { fileFaultText, type NamedPipeline } from "../named-pipeline.js";

type Made =
  | { readonly pipeline: Pipeline; readonly faults: readonly [] }
  | { readonly pipeline: undefined; readonly faults: readonly Fault[] };

/** @throws RUNTIME_PIPELINE_INVALID with all faults at once. */
export function makePipeline(named: NamedPipeline, parts: PipelineParts): Pipeline {
  const { pipeline, faults } = tryMakePipeline(named.definition, parts);
  if (pipeline !== undefined) return pipeline;
  const texts = faults.map((fault) => fileFaultText(named.locate(fault)));
  throw RuntimeErrors.PIPELINE_INVALID({ what: named.file, faults: texts });
}

/** As `makePipeline`, but faults are returned. Made, it has neither connected nor started anything. */
export function tryMakePipeline(definition: DefinedPipeline, parts: PipelineParts): Made {
  try {
    return { pipeline: new Pipeline(parts), faults: [] };
  } catch (error) {
    const isOurs = error instanceof Error && (error as Partial<MillraceError>).kind === "input";
    if (!isOurs) throw error;
    return { pipeline: undefined, faults: faultsOf(error as MillraceError, definition) };
  }
}

function faultsOf(error: MillraceError, definition: DefinedPipeline): Fault[] {
  const { message, details } = error;
  const isGraph = hasCode(error, PipelineErrors.GRAPH_INVALID.code);
  const texts = isGraph ? (details.faults as readonly string[]) : [message];
  const named = typeof details.stage === "string" ? quote(details.stage) : "";
  return texts.map((text) => {
    return { path: placeOf(`${named}${text}`, definition), at: "value", text };
  });
}

/** The engine knows names, not places: the place is that of the first name it gives. */
function placeOf(text: string, { stages, edges }: DefinedPipeline): Fault["path"] {
  const edge = edges.findIndex(({ from, to }) =>
    text.includes(`the edge from ${quote(from)} to ${quote(to)}`),
  );
  if (edge >= 0) return ["edges", edge];
  const named = stages
    .map(({ name }, index) => ({ index, at: text.indexOf(quote(name)) }))
    .filter(({ at }) => at >= 0);
  const first = named.sort((a, b) => a.at - b.at)[0]?.index;
  return first === undefined ? [edges.length > 0 ? "edges" : "stages"] : ["stages", first];
}
