import { defineErrors, quote } from "../core/index.js";

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
      "A stage did not end within stageTimeoutMs. Its signal is aborted; what it does later is lost.",
    say: ({ stage, stageTimeoutMs }: { stage: string; stageTimeoutMs: number }) =>
      `stage ${stage} did not end within ${stageTimeoutMs} ms (stageTimeoutMs)`,
  },
  STOPPED: {
    kind: "stage",
    retry: true,
    about: "The pipeline was stopped before the job was done.",
    say: (_: Record<never, never>) => "the pipeline was stopped before the job was done",
  },
  NAME_TAKEN: {
    kind: "input",
    retry: false,
    about:
      "Two stages of a pipeline have the same name. Traces and stats tell stages by their names.",
    say: ({ name }: { name: string }) => `two stages are named ${quote(name)}; rename one of them`,
  },
  BUSY: {
    kind: "state",
    retry: false,
    about: "run() was called while the pipeline runs already.",
    say: (_: Record<never, never>) => "the pipeline runs already; stop it before run()",
  },
});
