/** The messages that are sent: jobs with one text document, padded to a size. */
import { createJob, encodeJob } from "millrace";

export const KB = 1_024;
export const MB = 1_024 * KB;

export const SIZES = { "1 KB": KB, "64 KB": 64 * KB, "1 MB": MB, "32 MB": 32 * MB } as const;
export type SizeName = keyof typeof SIZES;

export const TASK_QUEUE = "ingest_task_queue";

/** Start and end of a job's text; letters in between are its document. */
export function jobFrame(tracing = true): { readonly head: string; readonly tail: string } {
  const documents = [{ name: "bench.txt", content: "*" }];
  const job = createJob({ documents, tracing });
  const [head, tail] = encodeJob(job).split("*") as [string, string];
  return { head, tail };
}

/** A job whose text is `bytes` long. */
export function jobText(bytes: number, tracing = true): string {
  const { head, tail } = jobFrame(tracing);
  return (
    head +
    "millrace ".repeat(Math.ceil(bytes / 9)).slice(0, bytes - head.length - tail.length) +
    tail
  );
}
