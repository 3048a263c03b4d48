/**
 * What goes to the extraction thread and what comes back: plain data and the address of the task.
 */
import type { RowMetadata } from "../../message/index.js";
import type { WorkerTask } from "../../workers/index.js";
import type { ExtractParams } from "./extract-params.js";
import type { Extraction, ExtractLimits } from "./extractor.js";

/** One document to extract. */
export interface ExtractJob {
  readonly documentType: string;
  /**
   * The content as the job carries it: base64, or the text itself for HTML. Decoded in the thread.
   */
  readonly content: string;
  readonly method?: string;
  readonly params: ExtractParams;
  readonly metadata: RowMetadata;
  readonly limits: ExtractLimits;
}

export const extractTask: WorkerTask<ExtractJob, Extraction> = {
  file: new URL("./worker-entry.js", import.meta.url),
  name: "extract",
};
