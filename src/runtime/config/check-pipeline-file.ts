/**
 * Checks a pipeline file to the end: its text, its definition, every module that it names, and whether
 * the parts hold together. Nothing is started that takes jobs, and no broker is asked.
 */
import { createClient } from "../../client/index.js";
import { hasCode, type MillraceError, messageOf, quote } from "../../core/index.js";
import { type CheckpointStore, Pipeline, PipelineErrors } from "../../pipeline/index.js";
import { MessageBrokerTaskSink } from "../../sinks/index.js";
import { MessageBrokerTaskSource } from "../../sources/index.js";
import { WorkerPool } from "../../workers/index.js";
import { parseBrokerUrl } from "../broker-url.js";
import { EngineSettings } from "../local-pipeline-settings.js";
import { type BuiltPipeline, tryBuildPipeline } from "./build/build-pipeline.js";
import type { Fault } from "./definition/fault.js";
import type { DefinedPipeline } from "./definition/pipeline-definition.js";
import type { FileFault } from "./named-pipeline.js";
import { tryPipelineFile } from "./read-pipeline-file.js";
import type { Environment } from "./text/substitute.js";

export interface CheckedFile {
  readonly faults: readonly FileFault[];
  readonly warnings: readonly FileFault[];
  /** Undefined when the file has faults of its own. */
  readonly definition: DefinedPipeline | undefined;
}

/** @throws RUNTIME_PIPELINE_FILE_UNREADABLE */
export async function checkPipelineFile(
  file: string,
  environment: Environment,
): Promise<CheckedFile> {
  const { pipeline, faults } = await tryPipelineFile(file, environment);
  if (pipeline === undefined) return { faults, warnings: [], definition: undefined };
  const { definition, warnings } = pipeline;
  const pool = new WorkerPool(definition.workers);
  try {
    const keepsCheckpoints = definition.checkpoints.dir !== undefined;
    const built = await tryBuildPipeline(pipeline, { pool, keepsCheckpoints });
    const found = built.parts === undefined ? built.faults : graphFaults(built.parts, definition);
    const all = [...(await brokerFaults(definition)), ...found];
    return { faults: all.map((fault) => pipeline.locate(fault)), warnings, definition };
  } finally {
    await pool.close();
  }
}

/** A kind of broker that this version has no client for; made, a client has not connected. */
async function brokerFaults({ broker }: DefinedPipeline): Promise<Fault[]> {
  if (broker === undefined) return [];
  try {
    await createClient(parseBrokerUrl(broker)).close();
    return [];
  } catch (error) {
    return [{ path: ["broker"], at: "value", text: messageOf(error) }];
  }
}

const NO_STORE: CheckpointStore = { load: async () => undefined, save: async () => {} };

/** What the engine says of the parts; made, it has neither connected nor started anything. */
function graphFaults(parts: BuiltPipeline, definition: DefinedPipeline): Fault[] {
  const source = new MessageBrokerTaskSource();
  const sink = new MessageBrokerTaskSink();
  const checkpoints = definition.checkpoints.dir === undefined ? undefined : NO_STORE;
  try {
    new Pipeline({ source, sink, ...parts, ...EngineSettings.parse(definition), checkpoints });
    return [];
  } catch (error) {
    const isOurs = error instanceof Error && (error as Partial<MillraceError>).kind === "input";
    if (!isOurs) throw error;
    const { message, details } = error as MillraceError;
    const isGraph = hasCode(error, PipelineErrors.GRAPH_INVALID.code);
    const texts = isGraph ? (details.faults as readonly string[]) : [message];
    const named = typeof details.stage === "string" ? quote(details.stage) : "";
    return texts.map((text) => {
      return { path: placeOf(`${named}${text}`, definition), at: "value", text };
    });
  }
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
