/** Entry file of splitting threads. Knows nothing of stages or rows. */
import { Transferred, threadTask } from "../../workers/index.js";
import { ChunkBudget } from "./chunks.js";
import type { SplitJob, SplitOutcome } from "./split-task.js";
import { splitText } from "./split-text.js";
import { loadTokenizer } from "./tokenizers/load-tokenizer.js";

/** The thread's only task; `split-task.ts` names it. */
export const split = threadTask(async (job: SplitJob): Promise<Transferred<SplitOutcome>> => {
  const tokenizer = await loadTokenizer(job.tokenizer);
  const budget = new ChunkBudget(job.limits);
  const offsets = job.texts.map((text) => splitText(text, job.rules, tokenizer, budget));
  return new Transferred(
    offsets,
    offsets.map(({ buffer }) => buffer),
  );
});
