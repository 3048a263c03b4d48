/** Puts what was read from an Office file into rows of the form that clients know. */

import type { Box, SourceMetadata, TextType } from "../../../message/index.js";
import {
  completeRowMetadata,
  type HierarchyInput,
  type RowMetadata,
} from "../../../message/index.js";
import { detectLanguage } from "../../language.js";
import type { ExtractedRow, ExtractParams } from "../extractor.js";
import type { Picture } from "./pictures.js";

export interface OfficeRow {
  /** The document row's metadata; members that extraction does not set are carried on. */
  readonly base: RowMetadata;
  readonly source: SourceMetadata;
  readonly description: string;
  readonly pageNumber: number;
  readonly hierarchy: HierarchyInput;
  readonly location: Box;
}

export interface OfficeTextRow extends OfficeRow {
  readonly text: string;
  readonly textType: TextType;
  readonly keywords: string;
}

export interface OfficeTableRow extends OfficeRow {
  readonly markdown: string;
  readonly tableFormat: "image" | "markdown";
  readonly caption?: string;
}

export interface OfficePictureRow extends OfficeRow {
  readonly picture: Picture;
  readonly structuredType: "none" | "unknown";
}

/** Where nothing is known of a place. */
export const NOWHERE: Box = [-1, -1, -1, -1];

/** The source as the document row has it, with what the file itself says. */
export function officeSource(
  base: RowMetadata,
  given: Partial<SourceMetadata> & Pick<SourceMetadata, "source_type">,
): SourceMetadata {
  const source = { source_name: "", source_id: "", ...base.source_metadata, ...given };
  return completeRowMetadata({ source_metadata: source }).source_metadata as SourceMetadata;
}

export async function textRow(row: OfficeTextRow): Promise<ExtractedRow> {
  const metadata = completeRowMetadata({
    ...row.base,
    content: row.text,
    source_metadata: row.source,
    content_metadata: {
      type: "text",
      description: row.description,
      page_number: row.pageNumber,
      hierarchy: row.hierarchy,
    },
    text_metadata: {
      text_type: row.textType,
      keywords: row.keywords,
      language: await detectLanguage(row.text),
      text_location: row.location,
    },
  });
  return { documentType: "text", metadata };
}

export function tableRow(row: OfficeTableRow): ExtractedRow {
  const metadata = completeRowMetadata({
    ...row.base,
    content: "",
    source_metadata: row.source,
    content_metadata: {
      type: "structured",
      subtype: "table",
      description: row.description,
      page_number: row.pageNumber,
      hierarchy: row.hierarchy,
    },
    table_metadata: {
      ...(row.caption !== undefined && { caption: row.caption }),
      table_format: row.tableFormat,
      table_content: row.markdown,
      table_location: row.location,
    },
  });
  return { documentType: "structured", metadata };
}

export function pictureRow(row: OfficePictureRow): ExtractedRow {
  const { content, width, height } = row.picture;
  const metadata = completeRowMetadata({
    ...row.base,
    content,
    source_metadata: row.source,
    content_metadata: {
      type: "image",
      description: row.description,
      page_number: row.pageNumber,
      hierarchy: row.hierarchy,
    },
    image_metadata: {
      // Whatever it is: upstream calls all of them so.
      image_type: "png",
      structured_image_type: row.structuredType,
      image_location: row.location,
      width,
      height,
    },
  });
  return { documentType: "image", metadata };
}

/** What was asked for and is not done, in sentences. */
export function undoneNotes(params: ExtractParams, kind: string): string[] {
  const wanted: string[] = [];
  if (params.extractCharts) wanted.push("charts");
  if (params.extractInfographics) wanted.push("infographics");
  if (params.extractPageAsImage) wanted.push("page images");
  if (wanted.length === 0) return [];
  return [`${wanted.join(", ")} are not extracted from ${kind} by this version`];
}
