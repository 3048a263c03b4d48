/** What goes to the splitting thread and what comes back: plain data and the address of the task. */
import type { WorkerTask } from "../../workers/index.js";
import type { ChunkLimits } from "./chunks.js";
import type { SplitRules, TextToSplit } from "./split-text.js";
import type { TokenizerChoice } from "./tokenizers/find-tokenizer.js";

/** All texts of one job. */
export interface SplitJob {
  readonly texts: readonly TextToSplit[];
  readonly tokenizer: TokenizerChoice;
  readonly rules: SplitRules;
  readonly limits: ChunkLimits;
}

/** For each text the start and end of each chunk in turn; the texts themselves stay where they are. */
export type SplitOutcome = readonly Int32Array<ArrayBuffer>[];

export const splitTask: WorkerTask<SplitJob, SplitOutcome> = {
  file: new URL("./worker-entry.js", import.meta.url),
  name: "split",
};
