/**
 * Goal: images within the bounds stay, others go or are marked. Method: the stage itself, sizes on both
 * sides of each bound.
 */
import { expect, test } from "vitest";

import { completeRowMetadata, IngestControlMessage, type Row } from "../../message/index.js";
import { stageContext } from "../../testing/index.js";
import { imageFilter } from "./image-filter.js";

const BOUNDS = { min_size: 128, max_aspect_ratio: 5, min_aspect_ratio: 0.2 };

const imageOf = ([width, height]: readonly [number, number]): Row => ({
  documentType: "image",
  metadata: completeRowMetadata({
    content: "UE5H",
    content_metadata: { type: "image" },
    image_metadata: { image_type: "png", width, height },
  }),
});
const textRow: Row = {
  documentType: "text",
  metadata: completeRowMetadata({ content: "t", content_metadata: { type: "text" } }),
};

async function filtered(sizes: readonly (readonly [number, number])[], params: object) {
  const message = new IngestControlMessage();
  message.payload = [...sizes.map(imageOf), textRow];
  message.addTask({ type: "filter", properties: { params } });
  const { payload } = await imageFilter().process(message, stageContext());
  expect(message.getTasks()).toEqual([]);
  return payload;
}

const sizesOf = (rows: readonly Row[]) =>
  rows.flatMap(({ documentType, metadata }) =>
    documentType === "image"
      ? [[metadata?.image_metadata?.width, metadata?.image_metadata?.height]]
      : [],
  );

const WITHIN = [
  [129, 129],
  [129, 128],
  [200, 57],
  [999, 200],
  [201, 1000],
] as const;
const OUT = [
  [128, 128],
  [1000, 200],
  [200, 1000],
  [0, 0],
  [500, 0],
] as const;

test("with filter, what is out of bounds is gone and all else stays in order", async () => {
  const rows = await filtered([...OUT, ...WITHIN], { ...BOUNDS, filter: true });
  expect(sizesOf(rows)).toEqual(WITHIN);
  expect(rows.at(-1)).toBe(textRow);
});

test("without filter, what is out of bounds says so", async () => {
  const rows = await filtered([...OUT, ...WITHIN], { ...BOUNDS, filter: false });
  expect(sizesOf(rows)).toEqual(WITHIN);
  const marked = rows.filter((row) => row.documentType === "info_message");
  expect(marked).toHaveLength(OUT.length);
  expect(marked[0]?.metadata?.info_message_metadata).toEqual({
    task: "filter",
    status: "success",
    message: "Filtered due to image size or aspect ratio.",
    filter: true,
    custom_content: null,
  });
  expect(marked[0]?.metadata?.content).toBe("UE5H");
});

test.each([
  [{ ...BOUNDS, min_size: -1 }, /min_size must not be negative, it is -1/],
  [{ ...BOUNDS, min_aspect_ratio: 6 }, /min_aspect_ratio \(6\) is above max_aspect_ratio \(5\)/],
  [{ ...BOUNDS, min_size: null }, /min_size must be a number, not null/],
])("%j is refused", async (params, text) => {
  await expect(async () => filtered([], params)).rejects.toThrow(text);
});
