/**
 * Checks a pipeline file to the end: its text, its definition, every module that it names, and whether
 * the parts hold together. Nothing is started that takes jobs, and no broker is asked.
 */
import { createClient } from "../../client/index.js";
import { messageOf } from "../../core/index.js";
import type { CheckpointStore } from "../../pipeline/index.js";
import { MessageBrokerTaskSink } from "../../sinks/index.js";
import { MessageBrokerTaskSource } from "../../sources/index.js";
import { WorkerPool } from "../../workers/index.js";
import { parseBrokerUrl } from "../broker-url.js";
import { EngineSettings } from "../local-pipeline-settings.js";
import { type BuiltPipeline, tryBuildPipeline } from "./build/build-pipeline.js";
import { tryMakePipeline } from "./build/make-pipeline.js";
import type { Fault } from "./definition/fault.js";
import type { DefinedPipeline } from "./definition/pipeline-definition.js";
import type { FileFault } from "./named-pipeline.js";
import { listed, type PipelineFile, tryPipelineFile } from "./read-pipeline-file.js";
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
  const { pipeline, faults, rest } = await tryPipelineFile(file, environment);
  if (pipeline !== undefined) {
    const { definition, warnings } = pipeline;
    const found = await faultsIn(pipeline, { hasGraph: true });
    return { faults: listed(found), warnings, definition };
  }
  const found = rest === undefined ? [] : await faultsIn(rest.pipeline, rest);
  return { faults: listed([...faults, ...found]), warnings: [], definition: undefined };
}

/** What its modules, and its engine, have against it. */
async function faultsIn(
  pipeline: PipelineFile,
  { hasGraph }: { readonly hasGraph: boolean },
): Promise<FileFault[]> {
  const { definition } = pipeline;
  const pool = new WorkerPool(definition.workers);
  try {
    const keepsCheckpoints = definition.checkpoints.dir !== undefined;
    const built = await tryBuildPipeline(pipeline, { pool, keepsCheckpoints });
    const ofEngine = hasGraph ? engineFaults(built.parts, definition) : [];
    const all = [...(await brokerFaults(definition)), ...built.faults, ...ofEngine];
    return all.map((fault) => pipeline.locate(fault));
  } finally {
    await pool.close();
  }
}

/** A client is made of its URL and its options; made, it has not connected. */
async function brokerFaults({ broker, redis }: DefinedPipeline): Promise<Fault[]> {
  if (broker === undefined) return [];
  try {
    await createClient(parseBrokerUrl(broker, redis)).close();
    return [];
  } catch (error) {
    return [{ path: ["broker"], at: "value", text: messageOf(error) }];
  }
}

const NO_STORE: CheckpointStore = { load: async () => undefined, save: async () => {} };

function engineFaults(parts: BuiltPipeline, definition: DefinedPipeline): readonly Fault[] {
  const source = new MessageBrokerTaskSource();
  const sink = new MessageBrokerTaskSink();
  const checkpoints = definition.checkpoints.dir === undefined ? undefined : NO_STORE;
  const settings = EngineSettings.parse(definition);
  return tryMakePipeline(definition, { source, sink, ...parts, ...settings, checkpoints }).faults;
}
