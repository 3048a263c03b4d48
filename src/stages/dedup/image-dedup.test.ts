/**
 * Goal: of images that are the same only one stays, and a table is not also a picture. Method: the stage
 * itself on rows of every kind, real pictures where looks count.
 */
import { Transformer } from "@napi-rs/image";
import { expect, test } from "vitest";

import {
  type Box,
  completeRowMetadata,
  IngestControlMessage,
  type Row,
} from "../../message/index.js";
import { stageContext } from "../../testing/index.js";
import { intersectionOverUnion } from "./bounding-boxes.js";
import type { DedupOptions } from "./dedup-options.js";
import { imageDedup } from "./image-dedup.js";

const PAGE: [number, number] = [100, 200];

const imageRow = (content: string, page = 1, box: Box = [0, 0, 10, 10]): Row => ({
  documentType: "image",
  metadata: completeRowMetadata({
    content,
    content_metadata: { type: "image", page_number: page },
    image_metadata: { image_type: "png", image_location: box, image_location_max_dimensions: PAGE },
  }),
});
const tableRow = (page: number, box: Box, size = PAGE): Row => ({
  documentType: "structured",
  metadata: completeRowMetadata({
    content: "same",
    content_metadata: { type: "structured", subtype: "table", page_number: page },
    table_metadata: {
      table_format: "image",
      table_location: box,
      table_location_max_dimensions: size,
    },
  }),
});
const textRow = (content: string): Row => ({
  documentType: "text",
  metadata: completeRowMetadata({ content, content_metadata: { type: "text" } }),
});

async function deduped(rows: Row[], params: object = {}, options: DedupOptions = {}) {
  const message = new IngestControlMessage();
  message.payload = rows;
  message.addTask({ type: "dedup", properties: { params } });
  const { payload } = await imageDedup(options).process(message, stageContext());
  expect(message.getTasks()).toEqual([]);
  return payload;
}

test.each([
  [[0, 0, 10, 10], [0, 0, 10, 5], 0.5],
  [[0, 0, 1, 1], [2, 2, 3, 3], 0],
  [[0, 0, 1, 1], [1, 0, 2, 1], 0],
  [[1, 1, 3, 3], [1, 1, 3, 3], 1],
  [[0, 0, 0, 0], [0, 0, 0, 0], 0],
] as [Box, Box, number][])("%j and %j have %d in common", (one, other, share) => {
  expect(intersectionOverUnion(one, other)).toBe(share);
  expect(intersectionOverUnion(other, one)).toBe(share);
});

test("of equal images the first stays; rows of other types are never compared", async () => {
  const rows = [textRow("same"), imageRow("a"), imageRow("b"), imageRow("a", 2), textRow("same")];
  expect(await deduped(rows)).toEqual([rows[0], rows[1], rows[2], rows[4]]);
});

test("images come first where upstream's order is wanted", async () => {
  const rows = [textRow("t"), imageRow("a"), tableRow(3, [0, 0, 1, 1]), imageRow("b")];
  const sorted = await deduped(rows, {}, { legacyRowOrder: true });
  expect(sorted).toEqual([rows[1], rows[3], rows[0], rows[2]]);
});

test("an image in the place of a table goes, on its own page and at any scale", async () => {
  const image = imageRow("a", 1, [10, 20, 50, 100]);
  const samePlace = tableRow(1, [100, 200, 500, 1000], [1000, 2000]);
  const otherPage = tableRow(2, [10, 20, 50, 100]);
  expect(await deduped([image, samePlace])).toEqual([samePlace]);
  expect(await deduped([image, otherPage])).toEqual([image, otherPage]);
  const imageWins = { bbox_dedup_prefer_structured: false };
  expect(await deduped([image, samePlace], imageWins)).toEqual([image]);
  const off = { enable_bbox_dedup: false };
  expect(await deduped([image, samePlace], off)).toEqual([image, samePlace]);
});

test.each([
  [0.5, 1],
  [0.51, 2],
])("half of a place in common, threshold %d: %i rows stay", async (iou_threshold, count) => {
  const rows = [imageRow("a", 1, [0, 0, 10, 10]), tableRow(1, [0, 0, 10, 5])];
  expect(await deduped(rows, { iou_threshold })).toHaveLength(count);
});

test("boxes without a page's size are compared with nothing", async () => {
  const rows = [imageRow("a"), tableRow(1, [0, 0, 10, 10], [0, 0])];
  expect(await deduped(rows)).toEqual(rows);
});

/** A picture with a gradient, so that its neighbours differ everywhere. */
function gradient(size: number, towards: "left" | "right"): Transformer {
  const pixels = Buffer.alloc(size * size * 4, 255);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const grey = Math.round((255 * (towards === "right" ? x : size - x)) / size);
      pixels.fill(grey, (y * size + x) * 4, (y * size + x) * 4 + 3);
    }
  }
  return Transformer.fromRgbaPixels(pixels, size, size);
}

test("copies in other sizes and formats go where the look counts, and only there", async () => {
  const rows = [
    imageRow((await gradient(256, "right").png()).toString("base64")),
    imageRow((await gradient(100, "right").jpeg(60)).toString("base64"), 2),
    imageRow((await gradient(256, "left").png()).toString("base64"), 3),
    imageRow("bm8gcGljdHVyZQ==", 4),
  ];
  expect(await deduped(rows)).toEqual(rows);
  const alike = await deduped(rows, {}, { perceptualDistance: 4 });
  expect(alike).toEqual([rows[0], rows[2], rows[3]]);
});

test("a distance that cannot be is refused", () => {
  expect(() => imageDedup({ perceptualDistance: 65 })).toThrow(
    expect.objectContaining({ code: "OPTIONS_INVALID" }),
  );
});
