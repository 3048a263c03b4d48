/** What the operator, not the client, decides about duplicates. */
import { z } from "zod";

export const DedupOptions = z.strictObject({
  perceptualDistance: z
    .int()
    .min(0)
    .max(32)
    .optional()
    .describe(
      "Also leave out images that look like an earlier one: the most of 64 bits in which their " +
        "perceptual hashes may differ, 4 for scaled or recompressed copies. Off unless given.",
    ),
  legacyRowOrder: z
    .boolean()
    .default(false)
    .describe("Put image rows before all others, as nv-ingest does."),
});
export type DedupOptions = z.input<typeof DedupOptions>;
