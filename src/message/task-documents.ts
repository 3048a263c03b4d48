/** Writes the tasks that jobs ask for most, with the defaults of nv-ingest's own client. */
import { z } from "zod";
import { parseOptions } from "../core/index.js";
import { DOCUMENT_TYPES, normaliseDocumentType, TABLE_FORMATS, type TaskType } from "./enums.js";
import { defaultChunkOverlap } from "./task-properties.js";

/** A task as it stands in a job. */
export interface TaskDocument {
  type: TaskType;
  task_properties: Record<string, unknown>;
}

export const ExtractTaskOptions = z.strictObject({
  documentType: z
    .string()
    .transform(normaliseDocumentType)
    .pipe(z.enum(DOCUMENT_TYPES))
    .describe("Which documents of the job to extract from, such as pdf."),
  method: z.string().default("pdfium").describe("Engine; servers go by the document type."),
  extractText: z.boolean().default(true).describe("Rows of text."),
  extractImages: z.boolean().default(true).describe("Rows of images."),
  extractTables: z.boolean().default(true).describe("Rows of tables."),
  extractCharts: z.boolean().optional().describe("Rows of charts; as tables unless given."),
  extractInfographics: z.boolean().default(false).describe("Rows of infographics."),
  extractPageAsImage: z.boolean().default(false).describe("A picture of each page."),
  extractImagesMethod: z.enum(["group", "simple"]).default("group").describe("How images join."),
  extractTablesMethod: z.string().default("yolox").describe("Model that finds tables."),
  textDepth: z
    .enum(["document", "page", "block", "line"])
    .default("document")
    .describe("One row of text per document or per page."),
  tableOutputFormat: z.enum(TABLE_FORMATS).default("markdown").describe("Format of tables."),
  params: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("Further params by their wire names; they win over the above."),
});
export type ExtractTaskOptions = z.input<typeof ExtractTaskOptions>;

/** A task that takes text, images and structured content out of documents. @throws OPTIONS_INVALID */
export function extractTask(options: ExtractTaskOptions): TaskDocument {
  const extract = parseOptions(ExtractTaskOptions, options, "extractTask");
  return {
    type: "extract",
    task_properties: {
      method: extract.method,
      document_type: extract.documentType,
      params: {
        extract_text: extract.extractText,
        extract_images: extract.extractImages,
        extract_images_method: extract.extractImagesMethod,
        extract_tables: extract.extractTables,
        extract_tables_method: extract.extractTablesMethod,
        extract_charts: extract.extractCharts ?? extract.extractTables,
        extract_infographics: extract.extractInfographics,
        extract_page_as_image: extract.extractPageAsImage,
        text_depth: extract.textDepth,
        table_output_format: extract.tableOutputFormat,
        ...extract.params,
      },
    },
  };
}

export const SplitTaskOptions = z.strictObject({
  tokenizer: z.string().optional().describe("Id of a tokenizer; the server's own unless given."),
  chunkSize: z.int().min(1).default(1024).describe("Largest chunk, in tokens."),
  chunkOverlap: z
    .int()
    .min(0)
    .optional()
    .describe("Tokens that neighbours share: 150, or a quarter of a chunk of 150 or less."),
  splitSourceTypes: z
    .array(z.string())
    .optional()
    .describe("Types of sources whose text is split; text alone unless given."),
  params: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("Further params by their wire names; they win over the above."),
});
export type SplitTaskOptions = z.input<typeof SplitTaskOptions>;

/** A task that cuts text into chunks. @throws OPTIONS_INVALID */
export function splitTask(options: SplitTaskOptions = {}): TaskDocument {
  const split = parseOptions(SplitTaskOptions, options, "splitTask");
  const { tokenizer, chunkSize, splitSourceTypes } = split;
  return {
    type: "split",
    task_properties: {
      ...(tokenizer === undefined ? {} : { tokenizer }),
      chunk_size: chunkSize,
      chunk_overlap: split.chunkOverlap ?? defaultChunkOverlap(chunkSize),
      params: {
        ...(splitSourceTypes === undefined ? {} : { split_source_types: splitSourceTypes }),
        ...split.params,
      },
    },
  };
}
