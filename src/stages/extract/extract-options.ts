/** What the operator, not the client, decides about extraction. */
import { z } from "zod";

export const ExtractOptions = z.strictObject({
  maxPages: z
    .int()
    .min(1)
    .default(100_000)
    .describe("The most pages or slides a document may claim; above it the document is refused."),
  maxPdfMemoryMb: z
    .int()
    .min(32)
    .max(2_048)
    .default(1_024)
    .describe("The most memory that PDFium may take in one thread, in MB, the document included."),
  pageNumberBase: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .meta({
      description: "Number of a PDF's first page: 1, or 0 as nv-ingest had it before 26.1.2.",
      typeText: "0 or 1",
    }),
  strictCapabilities: z
    .boolean()
    .default(false)
    .describe("Fail a job that asks for what cannot be done here, instead of noting it."),
});
export type ExtractOptions = z.input<typeof ExtractOptions>;
export type ExtractConfig = z.output<typeof ExtractOptions>;
