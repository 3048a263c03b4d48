/**
 * The metadata of one result row, member by member as clients read them. Types only; the defaults
 * stand in `complete-row-metadata.ts`. Names are those of the wire.
 */
import type {
  AccessLevel,
  ContentType,
  DocumentType,
  Language,
  TableFormat,
  TextType,
} from "./enums.js";

/** Keeps the listed values in completions while any other text is allowed too. */
type OrText<T extends string> = T | (string & {});
/** `[left, top, right, bottom]`, in pixels or points of the page. */
export type Box = [number, number, number, number];
/** `[width, height]` of what a box lies in. */
export type Dimensions = [number, number];
export type CustomContent = Record<string, unknown> | null;

export interface SourceMetadata {
  source_name: string;
  source_id: string;
  source_location: string;
  source_type: OrText<DocumentType>;
  collection_id: string;
  /** ISO 8601. */
  date_created: string;
  /** ISO 8601. */
  last_modified: string;
  summary: string;
  partition_id: number;
  access_level: AccessLevel;
  custom_content: CustomContent;
  /** Only after a `store` task. */
  local_source_location?: string;
}

export interface NearbyObjects {
  content: string[];
  bbox: Box[];
  type: string[];
}

export interface ContentHierarchy {
  page_count: number;
  page: number;
  block: number;
  line: number;
  span: number;
  nearby_objects: { text: NearbyObjects; images: NearbyObjects; structured: NearbyObjects };
}

export interface ContentMetadata {
  type: ContentType;
  description: string;
  page_number: number;
  hierarchy: ContentHierarchy;
  subtype: OrText<ContentType>;
  /** Milliseconds, -1 for none. */
  start_time: number;
  /** Milliseconds, -1 for none. */
  end_time: number;
  custom_content: CustomContent;
}

export interface TextMetadata {
  text_type: TextType;
  summary: string;
  keywords: string | string[] | Record<string, unknown>;
  language: Language;
  text_location: Box;
  text_location_max_dimensions: Dimensions;
  custom_content: CustomContent;
  /** Only after an `embed` task that joins a page's content. */
  source_image?: string;
}

export interface ImageMetadata {
  image_type: OrText<DocumentType>;
  structured_image_type: OrText<ContentType>;
  caption: string;
  text: string;
  image_location: Box;
  image_location_max_dimensions: Dimensions;
  uploaded_image_url: string;
  width: number;
  height: number;
  custom_content: CustomContent;
  /** Only after a `store` task. */
  uploaded_image_local_path?: string;
}

/** Tables; also charts and infographics, which use `table_metadata` in practice. */
export interface TableMetadata {
  caption: string;
  table_format: TableFormat;
  table_content: string;
  table_content_format: TableFormat | "";
  table_location: Box;
  table_location_max_dimensions: Dimensions;
  uploaded_image_uri: string;
  custom_content: CustomContent;
  /** Only after a `store` task. */
  uploaded_image_url?: string;
  /** Only after a `store` task. */
  uploaded_image_local_path?: string;
}

export interface AudioMetadata {
  audio_transcript: string;
  audio_type: string;
  custom_content: CustomContent;
}

export interface ErrorMetadata {
  task: string;
  status: "error" | "success";
  source_id: string;
  error_msg: string;
  custom_content: CustomContent;
}

export interface InfoMessageMetadata {
  task: string;
  status: "error" | "success";
  message: string;
  filter: boolean;
  custom_content: CustomContent;
}

/** The members that every emitted row has. */
export interface CompleteRowMetadata {
  content: string;
  content_url: string;
  embedding: number[] | null;
  source_metadata: SourceMetadata | null;
  content_metadata: ContentMetadata | null;
  audio_metadata: AudioMetadata | null;
  text_metadata: TextMetadata | null;
  image_metadata: ImageMetadata | null;
  table_metadata: TableMetadata | null;
  chart_metadata: TableMetadata | null;
  error_metadata: ErrorMetadata | null;
  info_message_metadata: InfoMessageMetadata | null;
  debug_metadata: Record<string, unknown> | null;
  raise_on_failure: boolean;
  total_pages: number | null;
  original_source_id: string | null;
  original_source_name: string | null;
  custom_content: CustomContent;
}

/** A row's metadata; stages and functions of a user may add members of their own. */
export interface RowMetadata extends CompleteRowMetadata {
  [member: string]: unknown;
}

/** One row of a message's payload: a document at first, later what stages made of it. */
export interface Row {
  documentType: string;
  /** Base64 for binary documents, the text itself for text and HTML. */
  content?: string;
  sourceId?: string;
  sourceName?: string;
  metadata?: RowMetadata;
  uuid?: string;
}
