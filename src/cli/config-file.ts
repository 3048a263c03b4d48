/** `--config`: a pipeline file, whose values stand between the environment and the defaults. */
import { z } from "zod";
import type { Logger } from "../core/index.js";
import {
  type DefinedPipeline,
  fileFaultText,
  originOf,
  type PipelineFile,
} from "../runtime/index.js";
import type { FileLayer } from "./option-values.js";

export const CONFIG_OPTION = {
  config: z
    .string()
    .min(1)
    .optional()
    .describe("Pipeline file: stages and options; see millrace config --help."),
};

/** Where an option of a command stands in a pipeline file, and what it is there. */
export interface FileOption {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** How a command finds its options in a definition. */
export type FileOptions = (
  path: readonly string[],
  definition: DefinedPipeline,
) => FileOption | undefined;

/** An option that has the same place in both. */
export const sameOption: FileOptions = (path, definition) => {
  const value = path.reduce<unknown>(
    (at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key],
    definition,
  );
  return value === undefined ? undefined : { path, value };
};

export function fileLayer(pipeline: PipelineFile, options: FileOptions): FileLayer {
  const { definition, places } = pipeline;
  return (path) => {
    const found = options(path, definition);
    if (found === undefined) return undefined;
    // A module does not tell what was written in it and what is a default.
    const isGiven = places === undefined || places.get(found.path) !== undefined;
    return { value: found.value, isGiven, from: originOf(found.path, pipeline) };
  };
}

/** What of a file of upstream's form is not available, once, at the start. */
export function tellWarnings(pipeline: PipelineFile | undefined, logger: Logger): void {
  for (const warning of pipeline?.warnings ?? []) logger.warn({}, fileFaultText(warning));
}
