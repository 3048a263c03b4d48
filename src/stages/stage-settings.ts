/**
 * The operator's options of all built-in stages, a member for each family. A pipeline file, the flags of
 * the command line and the environment all come from here; the options of a single stage in a pipeline
 * file win over them.
 */
import { z } from "zod";
import { DedupOptions } from "./dedup/dedup-options.js";
import { EmbedOptions } from "./embed/embed-options.js";
import { ExtractOptions } from "./extract/extract-options.js";
import { SplitOptions } from "./split/split-options.js";

export const StageSettings = z.strictObject({
  extract: ExtractOptions.prefault({}),
  dedup: DedupOptions.prefault({}),
  split: SplitOptions.prefault({}),
  embed: EmbedOptions.prefault({}),
});
export type StageSettings = z.input<typeof StageSettings>;
export type StageConfigs = z.output<typeof StageSettings>;
