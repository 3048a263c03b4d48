/**
 * Pictures: one row with the picture as PNG and its true size. A drawing in SVG stays the text that it
 * is; nothing in it is rendered, run or fetched. Source: spec pipeline-and-stages.md 5.7.
 */
import { Transformer } from "@napi-rs/image";
import { messageOf } from "../../../core/index.js";
import { completeRowMetadata } from "../../../message/index.js";
import { StagesErrors } from "../../errors.js";
import type { ImageSize } from "../../image/image-size.js";
import type { Extraction, ExtractParams, ExtractRequest } from "../extractor.js";
import { officeSource } from "../ooxml/office-rows.js";
import { svgSize } from "./svg-size.js";

interface Image extends ImageSize {
  readonly bytes: Uint8Array;
  readonly type: "png" | "svg";
}

/**
 * A row when images are asked for, else none. Of a TIFF with several pictures the first counts.
 *
 * @throws STAGES_DOCUMENT_UNREADABLE, also for pictures that would take more memory than the decoder
 *   allows.
 */
export async function extractImage(request: ExtractRequest): Promise<Extraction> {
  const { documentType, metadata, params } = request;
  const image = documentType === "svg" ? svgImage(request) : await pngImage(request);
  const notes = undoneNotes(params, documentType);
  if (!params.extractImages) return { rows: [], notes };
  const { source_id = "", source_type = documentType } = metadata.source_metadata ?? {};
  const summary = `Raw ${documentType} image extracted from source ${source_id}`;
  const row = completeRowMetadata({
    ...metadata,
    content: Buffer.from(image.bytes).toString("base64"),
    source_metadata: officeSource(metadata, { source_type, summary }),
    content_metadata: {
      type: "image",
      description: `Image extracted from ${documentType.toUpperCase()} file.`,
      page_number: 0,
      hierarchy: { page_count: 1, page: 0 },
    },
    image_metadata: {
      image_type: image.type,
      structured_image_type: "none",
      image_location: [0, 0, image.width, image.height],
      image_location_max_dimensions: [image.width, image.height],
      width: image.width,
      height: image.height,
    },
  });
  return { rows: [{ documentType: "image", metadata: row }], notes };
}

/** A PNG stays as it is, once it is known that it can be decoded. */
async function pngImage({ content, documentType }: ExtractRequest): Promise<Image> {
  try {
    const { width, height, format } = await new Transformer(content).metadata();
    const bytes = format === "png" ? content : await new Transformer(content).png();
    return { bytes, type: "png", width, height };
  } catch (error) {
    throw StagesErrors.DOCUMENT_UNREADABLE({ documentType, reason: messageOf(error) });
  }
}

function svgImage({ content, documentType }: ExtractRequest): Image {
  const size = svgSize(content);
  if (size !== undefined) return { bytes: content, type: "svg", ...size };
  const reason = "it is no SVG drawing, or declares a document type";
  throw StagesErrors.DOCUMENT_UNREADABLE({ documentType, reason });
}

function undoneNotes(params: ExtractParams, documentType: string): string[] {
  const wanted: string[] = [];
  if (params.extractTables) wanted.push("tables");
  if (params.extractCharts) wanted.push("charts");
  if (params.extractInfographics) wanted.push("infographics");
  if (wanted.length === 0) return [];
  return [`${wanted.join(", ")} are not found in ${documentType} images without a model`];
}
