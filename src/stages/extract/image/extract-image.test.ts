/**
 * Goal: a picture of each format becomes one row with its true size, and a hostile one a clear failure.
 * Method: pictures made here by a real encoder, and files that claim to be pictures.
 */
import { deflateSync } from "node:zlib";
import { Transformer } from "@napi-rs/image";
import { expect, test } from "vitest";
import { injectMetadata, type RowMetadata } from "../../../message/index.js";
import { parseExtractParams } from "../extract-params.js";
import { extractImage } from "./extract-image.js";

const [WIDTH, HEIGHT] = [30, 20];
const picture = () =>
  Transformer.fromRgbaPixels(new Uint8Array(WIDTH * HEIGHT * 4).fill(200), WIDTH, HEIGHT);
const PNG = picture().pngSync();
const svg = (attributes: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}><script>x</script></svg>`);

async function extract(documentType: string, content: Uint8Array, params: object = {}) {
  const row = { documentType, content: "", sourceId: "id-1", sourceName: "name-1" };
  return extractImage({
    content,
    documentType,
    params: parseExtractParams({ extract_images: true, ...params }),
    metadata: injectMetadata(row).metadata as RowMetadata,
  });
}

test.each([
  ["png", PNG],
  ["jpeg", picture().jpegSync(80)],
  ["tiff", picture().tiffSync()],
  ["bmp", picture().bmpSync()],
])("%s becomes one row with a PNG", async (type, content) => {
  const { rows, notes } = await extract(type, content);
  expect(notes).toEqual([]);
  expect(rows.map(({ documentType }) => documentType)).toEqual(["image"]);
  const { metadata } = rows[0] as (typeof rows)[0];
  expect(metadata.image_metadata).toMatchObject({
    image_type: "png",
    width: WIDTH,
    height: HEIGHT,
  });
  expect(metadata.content_metadata).toMatchObject({ type: "image", page_number: 0 });
  expect(metadata.source_metadata).toMatchObject({
    source_id: "id-1",
    source_name: "name-1",
    summary: `Raw ${type} image extracted from source id-1`,
  });
  const png = Buffer.from(metadata.content, "base64");
  expect(new Transformer(png).metadataSync()).toMatchObject({
    format: "png",
    width: WIDTH,
    height: HEIGHT,
  });
  if (type === "png") expect(png.equals(PNG)).toBe(true);
});

test.each([
  ['width="120" height="80px"', 120, 80],
  ['viewBox="0 0 64.4 32"', 64, 32],
  ['width="10mm" viewBox="0,0,7,8"', 7, 8],
  ["", 0, 0],
])("a drawing with %s stays text and has its size", async (attributes, width, height) => {
  const { rows } = await extract("svg", svg(attributes));
  expect(rows[0]?.metadata.image_metadata).toMatchObject({ image_type: "svg", width, height });
  const content = Buffer.from(rows[0]?.metadata.content ?? "", "base64");
  expect(content.equals(svg(attributes))).toBe(true);
});

test("without images there is no row; what needs a model is noted", async () => {
  const { rows, notes } = await extract("png", PNG, {
    extract_images: false,
    extract_tables: true,
    extract_charts: true,
  });
  expect(rows).toEqual([]);
  expect(notes).toEqual(["tables, charts are not found in png images without a model"]);
});

/** A PNG of these sides that holds next to nothing. */
function hugePng(side: number): Buffer {
  const png = Buffer.from(PNG);
  png.writeUInt32BE(side, 16);
  png.writeUInt32BE(side, 20);
  return png;
}

test.each([
  ["png", Buffer.from("no picture")],
  ["png", Buffer.alloc(0)],
  ["png", PNG.subarray(0, 40)],
  ["png", hugePng(100_000)],
  ["png", hugePng(0x7fffffff)],
  ["bmp", deflateSync(Buffer.alloc(1_000))],
  ["svg", Buffer.from("<html/>")],
  ["svg", Buffer.from('<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>')],
  ["svg", Buffer.from(`<svg>${"<g>".repeat(100_000)}`)],
])("a broken or hostile %s fails clearly (case %#)", async (type, content) => {
  await expect(extract(type, content)).rejects.toMatchObject({
    code: "STAGES_DOCUMENT_UNREADABLE",
    message: expect.stringMatching(new RegExp(`^The ${type} document cannot be read: .`)),
  });
});
