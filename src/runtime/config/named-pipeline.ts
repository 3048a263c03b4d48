/** A definition together with what it takes to load its modules and to tell where its faults are. */
import { pathToFileURL } from "node:url";
import { faultText } from "./definition/define-pipeline.js";
import type { Fault } from "./definition/fault.js";
import type { DefinedPipeline } from "./definition/pipeline-definition.js";
import type { Position } from "./text/origin.js";

/** A fault or warning with its place; what was not read from text has no lines. */
export interface FileFault extends Partial<Position> {
  readonly file: string;
  readonly text: string;
}

export interface NamedPipeline {
  readonly definition: DefinedPipeline;
  /** The file as it was asked for, or what stands for it in texts. */
  readonly file: string;
  /** Where its paths and packages are looked for: a file, or a folder with a slash at its end. */
  readonly base: URL;
  /** A fault of the definition with its place. */
  locate(fault: Fault): FileFault;
}

export interface CodeOrigin {
  /** Mostly `new URL(import.meta.url)`; without it the working directory. */
  readonly base?: URL;
  /** What it is called in texts. */
  readonly file?: string;
}

/** A pipeline that was defined in code. */
export function pipelineFromCode(
  definition: DefinedPipeline,
  { base = pathToFileURL("./"), file = "the pipeline" }: CodeOrigin = {},
): NamedPipeline {
  return { definition, base, file, locate: (fault) => ({ file, text: faultText(fault) }) };
}

/** `pipeline.yaml:3:5: unknown key "bach", did you mean "batch"?` */
export function fileFaultText({ file, line, column, text }: FileFault): string {
  return line === undefined ? `${file}: ${text}` : `${file}:${line}:${column}: ${text}`;
}
