/**
 * The properties of the fifteen types of tasks: what clients may write and what a stage then finds.
 * After reading, every member with a default is there, also those whose default is null. Members
 * nobody knows are kept. What a stage does with its properties is no business of this file.
 */
import { z } from "zod";
import {
  CONTENT_TYPES,
  DOCUMENT_TYPES,
  normaliseDocumentType,
  PIPELINE_PHASES,
  type TaskType,
} from "./enums.js";
import { anyCase, laxBoolean, laxInteger, laxNumber } from "./lax-types.js";

const ANY_INTEGER = Number.MIN_SAFE_INTEGER;

const freeObject = () => z.record(z.string(), z.unknown());
const freeParams = () => freeObject().default(() => ({}));
const text = () => z.string().nullable().default(null);
const flag = () => laxBoolean().nullable().default(null);
const contentType = () => anyCase(CONTENT_TYPES).default("image");

const Extract = z.looseObject({
  document_type: anyCase(DOCUMENT_TYPES, normaliseDocumentType).describe(
    "Which documents the task is for. Aliases such as jpg are replaced.",
  ),
  method: z.string().describe("Clients send pdfium for all kinds of documents; a hint at most."),
  params: freeParams().describe("Switches such as extract_text and text_depth."),
});

const CHUNK_OVERLAP_DEFAULT = 150;

/** The overlap of a split that names none: it must stay smaller than the chunk itself. */
export function defaultChunkOverlap(chunkSize: number): number {
  return chunkSize > CHUNK_OVERLAP_DEFAULT ? CHUNK_OVERLAP_DEFAULT : Math.floor(chunkSize / 4);
}

const Split = z
  .looseObject({
    tokenizer: text().describe("Id of a tokenizer."),
    chunk_size: laxInteger(1).default(1024).describe("Largest chunk, in tokens."),
    chunk_overlap: laxInteger(0).optional().describe("Tokens that neighbours share."),
    params: freeParams().describe("split_source_types, hf_access_token."),
  })
  .overwrite((split) => {
    const { params, chunk_overlap = defaultChunkOverlap(split.chunk_size), ...others } = split;
    return { ...others, chunk_overlap, params };
  })
  .superRefine(({ chunk_size, chunk_overlap = 0 }, context) => {
    if (chunk_overlap < chunk_size) return;
    context.addIssue({
      code: "custom",
      path: ["chunk_overlap"],
      message: `must be smaller than chunk_size (${chunk_overlap} is not below ${chunk_size})`,
    });
  });

const Embed = z.looseObject({
  endpoint_url: text(),
  model_name: text(),
  api_key: text(),
  filter_errors: laxBoolean().default(false),
  embed_text_elements: flag(),
  embed_structured_elements: flag(),
  embed_image_elements: flag(),
  embed_audio_elements: flag(),
  text_elements_modality: text(),
  structured_elements_modality: text(),
  image_elements_modality: text(),
  audio_elements_modality: text(),
  image_elements_aggregate_page_content: flag(),
  custom_content_field: text(),
  result_target_field: text(),
  dimensions: laxInteger(ANY_INTEGER).nullable().default(null),
});

const Caption = z.looseObject({
  api_key: text(),
  endpoint_url: text(),
  prompt: text(),
  system_prompt: text(),
  model_name: text(),
  context_text_max_chars: laxInteger(ANY_INTEGER).nullable().default(null),
  temperature: laxNumber().nullable().default(null),
});

const FilterParams = z.looseObject({
  min_size: laxInteger(ANY_INTEGER).default(128).describe("Smallest mean of width and height."),
  max_aspect_ratio: laxNumber().default(5),
  min_aspect_ratio: laxNumber().default(0.2),
  filter: laxBoolean().default(false).describe("True drops the rows, false only marks them."),
});
const Filter = z.looseObject({
  content_type: contentType(),
  params: FilterParams.prefault(() => ({})),
});

const DedupParams = z.looseObject({
  filter: laxBoolean().default(false),
  enable_bbox_dedup: laxBoolean().default(true),
  iou_threshold: laxNumber(0, 1).default(0.45),
  bbox_dedup_prefer_structured: laxBoolean().default(true),
});
const Dedup = z.looseObject({
  content_type: contentType(),
  params: DedupParams.prefault(() => ({})),
});

const Store = z.looseObject({
  structured: laxBoolean().default(true),
  images: laxBoolean().default(false),
  storage_uri: text(),
  storage_options: freeObject().default(() => ({})),
  public_base_url: text(),
  params: freeParams(),
  method: z.string().nullish().describe("Sent by clients of 2025; without effect."),
});

const VdbUpload = z.looseObject({
  bulk_ingest: laxBoolean().default(false),
  bulk_ingest_path: text(),
  params: freeObject().nullable().default(null),
  filter_errors: laxBoolean().default(true),
});

const AudioDataExtract = z.looseObject({
  auth_token: text(),
  grpc_endpoint: text(),
  http_endpoint: text(),
  infer_protocol: text(),
  function_id: text(),
  use_ssl: flag(),
  ssl_cert: text(),
  segment_audio: flag(),
});

const OnlyParams = z.looseObject({ params: freeParams() });

const Udf = z
  .looseObject({
    udf_function: z.string().describe("Source text. It is never evaluated here."),
    udf_function_name: z.string(),
    phase: laxInteger(PIPELINE_PHASES.EXTRACTION, PIPELINE_PHASES.RESPONSE)
      .nullable()
      .default(null),
    run_before: laxBoolean().default(false),
    run_after: laxBoolean().default(false),
    target_stage: text(),
  })
  .superRefine(({ phase, target_stage, run_before, run_after }, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    if ((phase === null) === (target_stage === null)) {
      refuse('needs exactly one of "phase" and "target_stage"');
    } else if (target_stage !== null && !run_before && !run_after) {
      refuse('"target_stage" needs "run_before" or "run_after"');
    } else if (target_stage === null && (run_before || run_after)) {
      refuse('"run_before" and "run_after" need "target_stage"');
    }
  });

export const TASK_PROPERTIES: Readonly<Record<TaskType, z.ZodObject>> = {
  audio_data_extract: AudioDataExtract,
  caption: Caption,
  chart_data_extract: OnlyParams,
  dedup: Dedup,
  embed: Embed,
  extract: Extract,
  filter: Filter,
  infographic_data_extract: OnlyParams,
  ocr_data_extract: OnlyParams,
  split: Split,
  store: Store,
  store_embedding: OnlyParams,
  table_data_extract: OnlyParams,
  udf: Udf,
  vdb_upload: VdbUpload,
};
