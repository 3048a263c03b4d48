import { defineErrors } from "../core/index.js";

export const SourceErrors = defineErrors("SOURCE", {
  DELIVERY_UNKNOWN: {
    kind: "state",
    retry: false,
    about:
      "A message was acknowledged that this source did not hand out, or that was settled before.",
    say: ({ jobId }: { jobId: string | undefined }) =>
      `no delivery of job ${jobId ?? "(without id)"} is open at this source`,
  },
});
