/**
 * Reads a pipeline from a file: YAML or JSON in our form or in upstream's, or a module that exports what
 * `definePipeline` returned. Every fault is told with its place, all at once.
 */
import { availableParallelism, totalmem } from "node:os";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { KiB, messageOf, quote } from "../../core/index.js";
import { RuntimeErrors } from "../errors.js";
import { checkDefinition, type Remainder } from "./definition/check-definition.js";
import { faultText } from "./definition/define-pipeline.js";
import { type Fault, gotText } from "./definition/fault.js";
import type { DefinedPipeline } from "./definition/pipeline-definition.js";
import {
  type FileFault,
  fileFaultText,
  type NamedPipeline,
  pipelineFromCode,
} from "./named-pipeline.js";
import { readBoundedText } from "./text/bounded-text.js";
import { type Path, type Places, pathText } from "./text/origin.js";
import { positionOf, readYaml } from "./text/read-yaml.js";
import type { Environment } from "./text/substitute.js";
import { isUpstreamForm } from "./upstream/upstream-form.js";
import { convertUpstream } from "./upstream/upstream-pipeline.js";

const FILE_BYTES_MAX = 512 * KiB;
const MODULES: readonly string[] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];

/** A definition that was read from a file, and where its values stand. */
export interface PipelineFile extends NamedPipeline {
  /** Undefined for a module. */
  readonly places: Places | undefined;
  /** Parts of a file of upstream's form that are not available here. */
  readonly warnings: readonly FileFault[];
}

/** What was read: a pipeline, or what is wrong with it. */
export type ReadPipelineFile =
  | { readonly pipeline: PipelineFile; readonly faults: readonly []; readonly rest?: undefined }
  | {
      readonly pipeline: undefined;
      readonly faults: readonly FileFault[];
      /** What is left without what is wrong, to look further; undefined when that would mislead. */
      readonly rest?: Remainder<PipelineFile> | undefined;
    };

/**
 * @param environment what `$NAME` in the file stands for.
 * @throws RUNTIME_PIPELINE_INVALID with all faults, RUNTIME_PIPELINE_FILE_UNREADABLE
 */
export async function readPipelineFile(
  file: string,
  environment: Environment,
): Promise<PipelineFile> {
  const { pipeline, faults } = await tryPipelineFile(file, environment);
  if (pipeline !== undefined) return pipeline;
  throw RuntimeErrors.PIPELINE_INVALID({ what: file, faults: faults.map(fileFaultText) });
}

/**
 * As `readPipelineFile`, but faults are returned, for those who list them.
 *
 * @throws RUNTIME_PIPELINE_FILE_UNREADABLE
 */
export async function tryPipelineFile(
  file: string,
  environment: Environment,
): Promise<ReadPipelineFile> {
  if (MODULES.includes(extname(file))) return await readModule(file);
  return readText(await readBoundedText(file, FILE_BYTES_MAX), file, environment);
}

function readText(text: string, file: string, environment: Environment): ReadPipelineFile {
  const { value, places, faults: textFaults } = readYaml(text, environment);
  // What is not even YAML has no values to speak of.
  if (textFaults.length > 0) {
    return { pipeline: undefined, faults: listed(textFaults.map((fault) => ({ file, ...fault }))) };
  }
  const machine = { cores: availableParallelism(), memoryBytes: totalmem() };
  const upstream = isUpstreamForm(value) ? convertUpstream(value, machine) : undefined;
  const moved = upstream?.placeOf ?? ((path: Path) => path);
  const inFile = (fault: Fault): Fault => ({ ...fault, path: moved(fault.path) });
  const tell = (fault: Fault) => inPlace(fault, { file, places, environment });
  if (upstream !== undefined && upstream.faults.length > 0) {
    return { pipeline: undefined, faults: listed(upstream.faults.map(tell)) };
  }
  const checked = checkDefinition(upstream === undefined ? value : upstream.given);
  const fileOf = (definition: DefinedPipeline): PipelineFile => ({
    file,
    base: pathToFileURL(resolve(file)),
    definition,
    places: upstream === undefined ? places : places.movedBy(upstream.placeOf),
    warnings: listed((upstream?.warnings ?? []).map(tell)),
    locate: (fault) => tell(inFile(fault)),
  });
  const { definition, faults, rest } = checked;
  if (definition !== undefined) return { pipeline: fileOf(definition), faults: [] };
  return {
    pipeline: undefined,
    faults: listed(faults.map((fault) => tell(inFile(fault)))),
    rest: rest && { pipeline: fileOf(rest.pipeline), hasGraph: rest.hasGraph },
  };
}

async function readModule(file: string): Promise<ReadPipelineFile> {
  const url = pathToFileURL(resolve(file));
  const fail = (text: string) => ({ pipeline: undefined, faults: [{ file, text }] }) as const;
  let module: { readonly default?: unknown };
  try {
    module = (await import(url.href)) as typeof module;
  } catch (error) {
    return fail(`cannot be loaded: ${messageOf(error)}`);
  }
  if (module.default === undefined) {
    return fail("has no default export; write export default definePipeline({ … })");
  }
  const { definition, faults } = checkDefinition(module.default);
  if (definition === undefined) {
    return {
      pipeline: undefined,
      faults: faults.map((fault) => ({ file, text: faultText(fault) })),
    };
  }
  const pipeline = pipelineFromCode(definition, { file, base: url });
  return { pipeline: { ...pipeline, places: undefined, warnings: [] }, faults: [] };
}

interface Where {
  readonly file: string;
  readonly places: Places;
  readonly environment: Environment;
}

function inPlace(fault: Fault, { file, places, environment }: Where): FileFault {
  const { set = [], unset = [] } = places.get(fault.path) ?? {};
  const name = pathText(fault.at === "key" ? fault.path.slice(0, -1) : fault.path);
  const said = withoutValues(fault.text, set, environment);
  const empty = unset.length === 0 ? "" : ` ($${unset.join(", $")} is not set)`;
  // The value of a variable is nobody's business but its owner's.
  const got = set.length === 0 ? gotText(fault) : ` (got the value of $${set.join(", $")})`;
  const text = `${name === "" ? "" : `${name}: `}${said}${got}${empty}`;
  return { file, ...positionOf(fault, places), text };
}

/** Shorter ones cannot be told from the words of a sentence. */
const VALUE_LENGTH_MIN = 4;

function withoutValues(text: string, variables: readonly string[], environment: Environment) {
  return variables.reduce((left, name) => {
    const value = quote(environment[name] ?? "").slice(1, -1);
    return value.length < VALUE_LENGTH_MIN ? left : left.replaceAll(value, () => `$${name}`);
  }, text);
}

/** More help nobody. */
const FAULTS_MAX = 100;

/** In the order of their places. */
export function listed(faults: readonly FileFault[]): FileFault[] {
  const sorted = [...faults].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  const more = sorted.length - FAULTS_MAX;
  if (more <= 0) return sorted;
  const { file } = sorted[0] as FileFault;
  return [...sorted.slice(0, FAULTS_MAX), { file, text: `and ${more} more` }];
}
