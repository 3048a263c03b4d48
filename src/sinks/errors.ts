import { defineErrors } from "../core/index.js";

export const SinkErrors = defineErrors("SINK", {
  CHANNEL_MISSING: {
    kind: "input",
    retry: false,
    about: "A message names no queue for its result; there is no default queue.",
    say: (_: Record<never, never>) => "the message has neither response_channel nor job_id",
  },
  RESULT_TOO_LARGE: {
    kind: "limit",
    retry: false,
    about: "A result is longer than maxResultBytes; its client gets a failed result instead.",
    say: (d: { bytes: number; maxResultBytes: number; rowCount: number }) =>
      `the result is too large: ${d.bytes} bytes in ${d.rowCount} rows are more than ` +
      `maxResultBytes (${d.maxResultBytes})`,
  },
});
