import { defineErrors } from "../core/index.js";

export const PipelineErrors = defineErrors("PIPELINE", {
  STAGE_RETURNED_NOTHING: {
    kind: "stage",
    retry: false,
    about:
      "A stage returned undefined or null, so there is nothing to go on with. Return the message.",
    say: ({ stage }: { stage: string }) =>
      `dropped by stage ${stage}: it returned nothing; a stage returns the message`,
  },
  STAGE_RETURNED_FOREIGN: {
    kind: "stage",
    retry: false,
    about: "A stage returned something that is no control message.",
    say: ({ stage, type }: { stage: string; type: string }) =>
      `stage ${stage} returned ${type}, not a control message`,
  },
  STAGE_TIMED_OUT: {
    kind: "stage",
    retry: false,
    about:
      "A stage did not end within its timeoutMs, or without one within the pipeline's " +
      "stageTimeoutMs. Its signal is aborted; what it does later is lost.",
    say: ({ stage, timeoutMs }: { stage: string; timeoutMs: number }) =>
      `stage ${stage} did not end within ${timeoutMs} ms (timeoutMs)`,
  },
  STOPPED: {
    kind: "stage",
    retry: true,
    about: "The pipeline was stopped before the job was done.",
    say: (_: Record<never, never>) => "the pipeline was stopped before the job was done",
  },
  BATCH_MISMATCHED: {
    kind: "stage",
    retry: false,
    about:
      "A stage that takes batches must return as many outcomes as it got messages, in their order.",
    say: (details: { stage: string; count: number; returned: string }) =>
      `stage ${details.stage} got ${details.count} messages and returned ${details.returned}`,
  },
  BATCH_UNSUPPORTED: {
    kind: "input",
    retry: false,
    about: "A stage was given `batch`, but has no processBatch. Leave `batch` out, or write it.",
    say: ({ stage }: { stage: string }) => `stage ${stage} has no processBatch, but "batch" is set`,
  },
  GRAPH_INVALID: {
    kind: "input",
    retry: false,
    about:
      "The parts of a pipeline do not fit together: names, edges, order or who answers. The text " +
      "lists every fault.",
    say: ({ faults }: { faults: readonly string[] }) => `the pipeline: ${faults.join("; ")}`,
  },
  BUSY: {
    kind: "state",
    retry: false,
    about: "run() was called while the pipeline runs already.",
    say: (_: Record<never, never>) => "the pipeline runs already; stop it before run()",
  },
});
