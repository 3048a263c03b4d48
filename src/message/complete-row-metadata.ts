/**
 * Fills in the metadata of a row: exactly the members that clients know, in their order, with the
 * defaults of nv-ingest. Extractors give what they found; nothing else is written anywhere.
 */
import { isoNow } from "../core/index.js";
import type {
  AudioMetadata,
  CompleteRowMetadata,
  ContentHierarchy,
  ContentMetadata,
  ErrorMetadata,
  ImageMetadata,
  InfoMessageMetadata,
  NearbyObjects,
  RowMetadata,
  SourceMetadata,
  TableMetadata,
  TextMetadata,
} from "./row-metadata.js";

/** `T` with only the members of `K` required; a member may also be given as `undefined`. */
type Given<T, K extends keyof T> = { readonly [M in Exclude<keyof T, K>]?: T[M] | undefined } & {
  readonly [M in K]: T[M];
};

export interface HierarchyInput extends Given<Omit<ContentHierarchy, "nearby_objects">, never> {
  readonly nearby_objects?: Partial<Record<"text" | "images" | "structured", NearbyObjects>>;
}
export type SourceMetadataInput = Given<
  SourceMetadata,
  "source_name" | "source_id" | "source_type"
>;
export type ContentMetadataInput = Given<Omit<ContentMetadata, "hierarchy">, "type"> & {
  readonly hierarchy?: HierarchyInput | undefined;
};
export type TextMetadataInput = Given<TextMetadata, "text_type">;
export type ImageMetadataInput = Given<ImageMetadata, "image_type">;
export type TableMetadataInput = Given<TableMetadata, "table_format">;

/** What an extractor writes; everything it leaves out gets its default. */
export interface RowMetadataInput
  extends Given<
    Omit<
      CompleteRowMetadata,
      | "source_metadata"
      | "content_metadata"
      | "audio_metadata"
      | "text_metadata"
      | "image_metadata"
      | "table_metadata"
      | "chart_metadata"
      | "error_metadata"
      | "info_message_metadata"
    >,
    never
  > {
  readonly source_metadata?: SourceMetadataInput | null | undefined;
  readonly content_metadata?: ContentMetadataInput | null | undefined;
  readonly audio_metadata?: Given<AudioMetadata, never> | null | undefined;
  readonly text_metadata?: TextMetadataInput | null | undefined;
  readonly image_metadata?: ImageMetadataInput | null | undefined;
  readonly table_metadata?: TableMetadataInput | null | undefined;
  readonly chart_metadata?: TableMetadataInput | null | undefined;
  readonly error_metadata?:
    | Given<ErrorMetadata, "task" | "status" | "error_msg">
    | null
    | undefined;
  readonly info_message_metadata?:
    | Given<InfoMessageMetadata, "task" | "status" | "message" | "filter">
    | null
    | undefined;
}

/**
 * The complete metadata that `given` describes. Pure but for the time: dates default to now.
 *
 * `audio_metadata`, `image_metadata`, `text_metadata` and `table_metadata` become null unless the
 * type of the content is `audio`, `image`, `text` and `structured`. Members that are not listed in
 * `RowMetadataInput` are left out: what is your own belongs into a `custom_content`.
 */
export function completeRowMetadata(given: RowMetadataInput): RowMetadata {
  const type = given.content_metadata?.type;
  return {
    content: given.content ?? "",
    content_url: given.content_url ?? "",
    embedding: given.embedding ?? null,
    source_metadata: completed(given.source_metadata, sourceMetadata),
    content_metadata: completed(given.content_metadata, contentMetadata),
    audio_metadata: type === "audio" ? completed(given.audio_metadata, audioMetadata) : null,
    text_metadata: type === "text" ? completed(given.text_metadata, textMetadata) : null,
    image_metadata: type === "image" ? completed(given.image_metadata, imageMetadata) : null,
    table_metadata: type === "structured" ? completed(given.table_metadata, tableMetadata) : null,
    chart_metadata: completed(given.chart_metadata, tableMetadata),
    error_metadata: completed(given.error_metadata, errorMetadata),
    info_message_metadata: completed(given.info_message_metadata, infoMessageMetadata),
    debug_metadata: given.debug_metadata ?? null,
    raise_on_failure: given.raise_on_failure ?? false,
    total_pages: given.total_pages ?? null,
    original_source_id: given.original_source_id ?? null,
    original_source_name: given.original_source_name ?? null,
    custom_content: given.custom_content ?? null,
  };
}

function completed<I, O>(given: I | null | undefined, complete: (given: I) => O): O | null {
  return given === null || given === undefined ? null : complete(given);
}

function sourceMetadata(given: SourceMetadataInput): SourceMetadata {
  const now = isoNow();
  return {
    source_name: given.source_name,
    source_id: given.source_id,
    source_location: given.source_location ?? "",
    source_type: given.source_type,
    collection_id: given.collection_id ?? "",
    date_created: given.date_created ?? now,
    last_modified: given.last_modified ?? now,
    summary: given.summary ?? "",
    partition_id: given.partition_id ?? -1,
    access_level: given.access_level ?? -1,
    custom_content: given.custom_content ?? null,
    ...only("local_source_location", given.local_source_location),
  };
}

function contentMetadata(given: ContentMetadataInput): ContentMetadata {
  return {
    type: given.type,
    description: given.description ?? "",
    page_number: given.page_number ?? -1,
    hierarchy: hierarchy(given.hierarchy ?? {}),
    subtype: given.subtype ?? "",
    start_time: given.start_time ?? -1,
    end_time: given.end_time ?? -1,
    custom_content: given.custom_content ?? null,
  };
}

function hierarchy(given: HierarchyInput): ContentHierarchy {
  return {
    page_count: given.page_count ?? -1,
    page: given.page ?? -1,
    block: given.block ?? -1,
    line: given.line ?? -1,
    span: given.span ?? -1,
    nearby_objects: {
      text: given.nearby_objects?.text ?? nearbyObjects(),
      images: given.nearby_objects?.images ?? nearbyObjects(),
      structured: given.nearby_objects?.structured ?? nearbyObjects(),
    },
  };
}

function nearbyObjects(): NearbyObjects {
  return { content: [], bbox: [], type: [] };
}

function textMetadata(given: TextMetadataInput): TextMetadata {
  return {
    text_type: given.text_type,
    summary: given.summary ?? "",
    keywords: given.keywords ?? "",
    language: given.language ?? "en",
    text_location: given.text_location ?? [0, 0, 0, 0],
    text_location_max_dimensions: given.text_location_max_dimensions ?? [0, 0],
    custom_content: given.custom_content ?? null,
    ...only("source_image", given.source_image),
  };
}

function imageMetadata(given: ImageMetadataInput): ImageMetadata {
  return {
    image_type: given.image_type,
    structured_image_type: given.structured_image_type ?? "none",
    caption: given.caption ?? "",
    text: given.text ?? "",
    image_location: given.image_location ?? [0, 0, 0, 0],
    image_location_max_dimensions: given.image_location_max_dimensions ?? [0, 0],
    uploaded_image_url: given.uploaded_image_url ?? "",
    width: Math.max(0, given.width ?? 0),
    height: Math.max(0, given.height ?? 0),
    custom_content: given.custom_content ?? null,
    ...only("uploaded_image_local_path", given.uploaded_image_local_path),
  };
}

function tableMetadata(given: TableMetadataInput): TableMetadata {
  return {
    caption: given.caption ?? "",
    table_format: given.table_format,
    table_content: given.table_content ?? "",
    table_content_format: given.table_content_format ?? "",
    table_location: given.table_location ?? [0, 0, 0, 0],
    table_location_max_dimensions: given.table_location_max_dimensions ?? [0, 0],
    uploaded_image_uri: given.uploaded_image_uri ?? "",
    custom_content: given.custom_content ?? null,
    ...only("uploaded_image_url", given.uploaded_image_url),
    ...only("uploaded_image_local_path", given.uploaded_image_local_path),
  };
}

function audioMetadata(given: Given<AudioMetadata, never>): AudioMetadata {
  return {
    audio_transcript: given.audio_transcript ?? "",
    audio_type: given.audio_type ?? "",
    custom_content: given.custom_content ?? null,
  };
}

function errorMetadata(
  given: Given<ErrorMetadata, "task" | "status" | "error_msg">,
): ErrorMetadata {
  return {
    task: given.task,
    status: given.status,
    source_id: given.source_id ?? "",
    error_msg: given.error_msg,
    custom_content: given.custom_content ?? null,
  };
}

function infoMessageMetadata(
  given: Given<InfoMessageMetadata, "task" | "status" | "message" | "filter">,
): InfoMessageMetadata {
  return {
    task: given.task,
    status: given.status,
    message: given.message,
    filter: given.filter,
    custom_content: given.custom_content ?? null,
  };
}

/** A member that stages add later: carried on when it is there, and not invented when it is not. */
function only<K extends string>(key: K, value: string | undefined): { [M in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [M in K]?: string };
}
