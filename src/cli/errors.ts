import { defineErrors } from "../core/index.js";

export const CliErrors = defineErrors("CLI", {
  PATHS_MISSING: {
    kind: "input",
    retry: false,
    about: "`millrace ingest` was called without a document or folder.",
    say: (_: Record<never, never>) =>
      "nothing to ingest: name documents or folders, for example: millrace ingest report.pdf docs/",
  },
  OPERANDS_WRONG: {
    kind: "input",
    retry: false,
    about: "What stands behind a command's name is missing or not what the command takes.",
    say: ({ reason }: { reason: string }) => reason,
  },
  SAMPLES_MISSING: {
    kind: "internal",
    retry: false,
    about: "The documents that come with the package are not there: it is not complete.",
    say: ({ path, reason }: { path: string; reason: string }) =>
      `the samples of the package cannot be read at ${path}: ${reason}`,
  },
});
