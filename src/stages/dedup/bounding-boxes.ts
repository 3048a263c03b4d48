/** How much boxes on a page have in common, wherever and however large the page was drawn. */
import type { Box, Dimensions, Row } from "../../message/index.js";

/** The share of two boxes' common area in the area that they cover together, 0 to 1. */
export function intersectionOverUnion(one: Box, other: Box): number {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  if (!(width > 0 && height > 0)) return 0;
  const common = width * height;
  return common / (areaOf(one) + areaOf(other) - common);
}

/** Where a row's image or structured content lies, as fractions of its page; undefined when unknown. */
export function boxOf({ documentType, metadata }: Row): Box | undefined {
  if (documentType === "image") {
    const image = metadata?.image_metadata;
    return image
      ? fractionsOf(image.image_location, image.image_location_max_dimensions)
      : undefined;
  }
  const table = metadata?.table_metadata ?? metadata?.chart_metadata;
  return table ? fractionsOf(table.table_location, table.table_location_max_dimensions) : undefined;
}

function fractionsOf(box: Box, [width, height]: Dimensions): Box | undefined {
  if (!(width > 0 && height > 0)) return undefined;
  const [left, top, right, bottom] = box;
  return [left / width, top / height, right / width, bottom / height];
}

function areaOf([left, top, right, bottom]: Box): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}
