/** What the operator, not the client, decides about embeddings. */
import { z } from "zod";
import { endpointOptions } from "../endpoint/endpoint-options.js";

export const EmbedOptions = z.strictObject({
  ...endpointOptions("embed", "nvidia/llama-3.2-nv-embedqa-1b-v2"),
  batchSize: z
    .int()
    .min(1)
    .max(2_048)
    .default(32)
    .describe("Texts in one request; nv-ingest sends one."),
  sendInputType: z
    .boolean()
    .default(true)
    .describe(
      "Send `input_type` and `truncate`, which NVIDIA's servers need and some others refuse.",
    ),
  legacyRowOrder: z
    .boolean()
    .default(false)
    .describe("Put rows in nv-ingest's order: texts, structured rows, images, audio, others."),
});
export type EmbedOptions = z.input<typeof EmbedOptions>;
export type EmbedConfig = z.output<typeof EmbedOptions>;
