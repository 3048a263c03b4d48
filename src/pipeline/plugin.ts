/** How a package or a file offers stages: by name, with a schema of their options. */
import type { z } from "zod";
import type { Logger } from "../core/index.js";
import type { ProcessingFunction, Stage } from "./stage.js";

/** What a factory may use. */
export interface StageSetup<Options> {
  /** The name of the stage in its pipeline; what is returned gets it, whatever its own is. */
  readonly name: string;
  /** Checked by the schema of the stage, defaults filled in. */
  readonly options: Options;
  readonly logger: Logger;
}

/** One kind of stage that a plugin offers. */
export interface StageKind<Schema extends z.ZodType = z.ZodType> {
  /** One sentence for `millrace plugins`. */
  readonly about: string;
  /** Without it the stage takes no options, and any that are given are an error. */
  readonly options?: Schema;
  /** See `Stage.version`. */
  readonly version?: string;
  /** Makes one stage of this kind; called once per pipeline, and in each thread that runs it. */
  create(setup: StageSetup<z.output<Schema>>): Omit<Stage, "name"> | ProcessingFunction;
}

export interface Plugin {
  /** Letters, digits, "-", "_", "/" and "@": the name of its package, mostly. */
  readonly name: string;
  readonly version?: string;
  readonly stages: Readonly<Record<string, StageKind>>;
}
