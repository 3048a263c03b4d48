/** What the operator, not the client, decides about splitting. */
import { z } from "zod";
import { MiB } from "../../core/index.js";

/** What a chunk is made of. */
export const SPLIT_UNITS = ["token", "sentence", "heading"] as const;
export type SplitUnit = (typeof SPLIT_UNITS)[number];

export const SplitOptions = z.strictObject({
  by: z
    .enum(SPLIT_UNITS)
    .default("token")
    .describe(
      "Where texts are cut when the task says nothing: at tokens, at ends of sentences, or at " +
        "Markdown headings.",
    ),
  tokenizer: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Tokenizer for tasks that name none: cl100k_base, o200k_base, a name in tokenizersDir, or the " +
        "path of a tokenizer.json or of its directory.",
    ),
  tokenizersDir: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Directory of tokenizers that tasks may name, for example meta-llama/Llama-3.2-1B/tokenizer.json " +
        "in it. Nothing is ever downloaded.",
    ),
  legacySplit: z
    .boolean()
    .default(false)
    .describe("Lose the last token of each chunk, as nv-ingest does."),
  dropContainedTail: z
    .boolean()
    .default(false)
    .describe("Leave out last chunks that lie in the chunk before them."),
  maxChunks: z
    .int()
    .min(1)
    .default(100_000)
    .describe("The most chunks that the texts of one job may become; above it the job fails."),
  maxTotalChars: z
    .int()
    .min(1_024)
    .max(512 * MiB)
    .default(256 * MiB)
    .describe("The most characters in all chunks of one job; an overlap repeats them."),
  strictCapabilities: z
    .boolean()
    .default(false)
    .describe("Fail a job that names a tokenizer which is not here, instead of taking another."),
});
export type SplitOptions = z.input<typeof SplitOptions>;
export type SplitConfig = z.output<typeof SplitOptions>;
