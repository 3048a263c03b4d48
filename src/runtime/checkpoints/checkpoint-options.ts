/** Where checkpoints are kept, and how many. */
import { z } from "zod";
import { GiB, MiB } from "../../core/index.js";

const DAY_MS = 86_400_000;

export const CheckpointOptions = z.strictObject({
  dir: z
    .string()
    .min(1)
    .describe(
      "Folder for checkpoints: what extraction made of a document is kept there, so that the same " +
        "document, sent again with the same options, is not extracted again.",
    ),
  maxBytes: z
    .int()
    .min(1 * MiB)
    .default(1 * GiB)
    .describe("The most bytes of checkpoints; beyond it those go that were not used for longest."),
  maxAgeMs: z
    .int()
    .min(1)
    .default(30 * DAY_MS)
    .describe("A checkpoint that was not used for so long is removed."),
});
export type CheckpointOptions = z.input<typeof CheckpointOptions>;
export type CheckpointConfig = z.output<typeof CheckpointOptions>;

/** As a part of other options: without a folder nothing is kept. */
export const CheckpointSettings = CheckpointOptions.extend({
  dir: CheckpointOptions.shape.dir.optional(),
});
