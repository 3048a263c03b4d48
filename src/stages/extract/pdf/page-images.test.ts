/**
 * Goal: images of PDF pages lie where upstream finds them, are what the page shows there, and a page that
 * asks too much costs no more than a note.
 * Method: the extractor called directly on small PDFs written here, whose pixels are known, and on the
 * reference files where they lie beside the repository.
 */
import { existsSync, readFileSync } from "node:fs";
import { Transformer } from "@napi-rs/image";
import { describe, expect, test } from "vitest";
import { pdfFile, pdfStream } from "../../../../test/helpers/pdf-file.js";
import { completeRowMetadata } from "../../../message/index.js";
import { parseExtractParams } from "../extract-params.js";
import type { ExtractedRow } from "../extractor.js";
import { extractPdf } from "./extract-pdf.js";

const shared = new URL("../../../../../shared/", import.meta.url);

const injected = completeRowMetadata({
  content_metadata: { type: "structured" },
  source_metadata: { source_name: "name.pdf", source_id: "name.pdf", source_type: "pdf" },
});

const extract = (content: Uint8Array, params: object) =>
  extractPdf({
    content,
    documentType: "pdf",
    params: parseExtractParams(params),
    metadata: injected,
  });

/** One page; `more` are objects from number 6 on, object 5 is a picture of 20 × 10 red pixels. */
function onePage(
  drawn: string,
  pageEntries = "/MediaBox [0 0 300 200]",
  more: string[] = [],
): Buffer {
  return pdfFile([
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
    `<< /Type /Page /Parent 2 0 R ${pageEntries} /Contents 4 0 R ` +
      "/Resources << /XObject << /Red 5 0 R /Form 6 0 R >> >> >>",
    pdfStream(drawn),
    pdfStream(
      "\xff\x00\x00".repeat(200),
      "/Subtype /Image /Width 20 /Height 10 /ColorSpace /DeviceRGB /BitsPerComponent 8",
    ),
    ...more,
  ]);
}

/** The red picture as large as told, its lower left corner there. */
const red = (x: number, y: number, width: number, height: number) =>
  `q ${width} 0 0 ${height} ${x} ${y} cm /Red Do Q\n`;
const square = (x: number, y: number, side = 5) => `${x} ${y} ${side} ${side} re f\n`;

async function boxesOf(content: Uint8Array, params: object = {}) {
  const { rows } = await extract(content, { extract_text: false, extract_images: true, ...params });
  return rows.map(({ metadata }) => metadata.image_metadata?.image_location);
}

/** Each colour of a picture once, as `r,g,b`. */
async function coloursOf({ metadata }: ExtractedRow): Promise<Set<string>> {
  const png = new Transformer(Buffer.from(metadata.content, "base64"));
  const bytes = await png.rawPixels();
  const step = bytes.length / ((await png.metadata()).width * (await png.metadata()).height);
  const colours = new Set<string>();
  for (let at = 0; at < bytes.length; at += step) colours.add(bytes.subarray(at, at + 3).join());
  return colours;
}

test("a picture is a row with what the page shows there, after the page's text", async () => {
  const { rows, notes } = await extract(onePage(red(30, 50, 60, 40)), { extract_images: true });
  expect(notes).toEqual([]);
  expect(rows.map(({ documentType }) => documentType)).toEqual(["text", "image"]);
  const [, image] = rows as [ExtractedRow, ExtractedRow];
  expect(image.metadata.content_metadata).toMatchObject({
    type: "image",
    subtype: "",
    description: "Image extracted from PDF document.",
    page_number: 1,
    hierarchy: { page_count: 1, page: 1, block: -1, line: -1, span: -1 },
  });
  expect(image.metadata.image_metadata).toMatchObject({
    image_type: "png",
    structured_image_type: "unknown",
    image_location: [30, 110, 90, 150],
    image_location_max_dimensions: [300, 200],
    width: 60,
    height: 40,
    text: "",
  });
  expect(image.metadata.source_metadata?.source_type).toBe("PDF");
  expect(await coloursOf(image)).toEqual(new Set(["255,0,0"]));
});

test("pictures at most 10 points apart are one", async () => {
  const near = red(10, 10, 20, 20) + red(40, 10, 20, 20) + red(71, 10, 20, 20);
  expect(await boxesOf(onePage(near))).toEqual([
    [10, 170, 60, 190],
    [71, 170, 91, 190],
  ]);
});

test("drawings are three paths or more, on no more than half of the page", async () => {
  expect(await boxesOf(onePage(square(10, 10) + square(20, 20)))).toEqual([]);
  expect(await boxesOf(onePage(square(10, 10) + square(20, 20) + square(10, 20)))).toEqual([
    [10, 175, 25, 190],
  ]);
  const large = `0 0 290 190 re f\n${square(10, 10)}${square(20, 20)}`;
  expect(await boxesOf(onePage(large))).toEqual([]);
});

test("what is narrower than 10 points is no picture", async () => {
  expect(await boxesOf(onePage(red(10, 10, 9, 60)))).toEqual([]);
});

test("a form is a picture, and of forms in one another the innermost is", async () => {
  const form = pdfStream(square(0, 0, 50), "/Subtype /Form /BBox [0 0 50 50]");
  const drawn = "q 1 0 0 1 100 100 cm /Form Do Q q 2 0 0 2 90 90 cm /Form Do Q\n";
  expect(await boxesOf(onePage(drawn, undefined, [form]))).toEqual([[100, 50, 150, 100]]);
});

test("boxes are those of the page as it is shown, turned or with a corner of its own", async () => {
  const drawn = red(30, 50, 60, 40);
  const shown = async (entries: string) => {
    const { rows } = await extract(onePage(drawn, entries), {
      extract_text: false,
      extract_images: true,
    });
    const [image] = rows as [ExtractedRow];
    // Red and nothing else: it was cut where it lies.
    expect(await coloursOf(image)).toEqual(new Set(["255,0,0"]));
    return image.metadata.image_metadata?.image_location;
  };
  expect(await shown("/MediaBox [0 0 300 200] /Rotate 90")).toEqual([50, 30, 90, 90]);
  expect(await shown("/MediaBox [0 0 300 200] /Rotate 180")).toEqual([210, 50, 270, 90]);
  expect(await shown("/MediaBox [0 0 300 200] /Rotate 270")).toEqual([110, 210, 150, 270]);
  expect(await shown("/MediaBox [20 30 300 200]")).toEqual([10, 110, 70, 150]);
  expect(await shown("/MediaBox [0 0 300 200] /CropBox [20 30 200 180]")).toEqual([
    10, 90, 70, 130,
  ]);
});

test("simple gives the file's own pictures, also of a form, in the PDF's coordinates", async () => {
  const form = pdfStream(
    "q 20.5 0 0 10 0 0 cm /Red Do Q",
    "/Subtype /Form /BBox [0 0 50 50] /Resources << /XObject << /Red 5 0 R >> >>",
  );
  const page = onePage(`${red(30.5, 50, 60, 40)} /Form Do`, undefined, [form]);
  const { rows } = await extract(page, {
    extract_text: false,
    extract_images: true,
    extract_images_method: "simple",
  });
  expect(rows.map(({ metadata }) => metadata.image_metadata)).toMatchObject([
    { image_location: [30.5, 50, 90.5, 90], width: 20, height: 10 },
    { image_location: [0, 0, 20.5, 10], width: 20, height: 10 },
  ]);
  for (const row of rows) expect(await coloursOf(row)).toEqual(new Set(["255,0,0"]));
});

test("a page as image is fitted into 1024 pixels, with the page's text beside it", async () => {
  const handbook = readFileSync(
    new URL("../../../../samples/millrace-handbook.pdf", import.meta.url),
  );
  const { rows } = await extract(handbook, { extract_text: false, extract_page_as_image: true });
  expect(rows).toHaveLength(6);
  const [, second] = rows as ExtractedRow[];
  expect(second?.metadata.content_metadata).toMatchObject({
    subtype: "page_image",
    description: "Full-page image rendered from a PDF document.",
    page_number: 2,
  });
  const image = second?.metadata.image_metadata;
  expect(image?.text?.startsWith("1. Opening the gate\r\n")).toBe(true);
  const png = new Transformer(Buffer.from(second?.metadata.content ?? "", "base64"));
  const { width, height } = await png.metadata();
  expect(Math.max(width, height)).toBe(1_024);
  expect(image).toMatchObject({ width, height, image_location: [0, 0, width, height] });
});

test("a page with too many paths to group is noted, its pictures are kept", async () => {
  const paths = Array.from({ length: 2_049 }, (_, i) => square(i % 50, i % 40)).join("");
  const { rows, notes } = await extract(onePage(paths + red(100, 100, 50, 50)), {
    extract_text: false,
    extract_images: true,
  });
  expect(rows).toHaveLength(1);
  expect(notes).toEqual(["images of a page with more than 2048 path objects (1)"]);
});

test("a page that is too large to be drawn is noted, its text is kept", async () => {
  const huge = onePage(red(0, 0, 500, 500), "/MediaBox [0 0 14000 14000]");
  const { rows, notes } = await extract(huge, { extract_images: true });
  expect(rows.map(({ documentType }) => documentType)).toEqual(["text"]);
  expect(notes).toEqual(["images of a page that is too large to be drawn (1)"]);
});

test("a picture that claims a billion pixels is noted and not decoded", async () => {
  const claim = pdfStream(
    "x",
    "/Subtype /Image /Width 40000 /Height 30000 /ColorSpace /DeviceRGB /BitsPerComponent 8",
  );
  const page = onePage("q 60 0 0 40 0 0 cm /Form Do Q", undefined, [claim]);
  const { rows, notes } = await extract(page, {
    extract_text: false,
    extract_images: true,
    extract_images_method: "simple",
  });
  expect(rows).toEqual([]);
  expect(notes).toEqual(["an image that is too large or cannot be decoded (1)"]);
});

interface Image {
  readonly page_number: number;
  readonly image_location: readonly number[];
  readonly image_location_max_dimensions: readonly number[];
  readonly width: number;
  readonly height: number;
}

describe.runIf(existsSync(new URL("spec/expectations.json", shared)))("the reference files", () => {
  const { pdf } = JSON.parse(readFileSync(new URL("spec/expectations.json", shared), "utf8")) as {
    pdf: Record<string, { images_group: Image[]; images_simple: Image[] }>;
  };

  test.each(Object.entries(pdf))("%s has upstream's images", async (name, expected) => {
    const bytes = readFileSync(new URL(name.replace("data/", "samples/"), shared));
    const imagesOf = async (extract_images_method: string) => {
      const params = { extract_text: false, extract_images: true, extract_images_method };
      return (await extract(bytes, params)).rows.map(({ metadata }) => {
        const image = metadata.image_metadata;
        return {
          page_number: metadata.content_metadata?.page_number,
          image_location: image?.image_location,
          image_location_max_dimensions: image?.image_location_max_dimensions,
          width: image?.width,
          height: image?.height,
        };
      });
    };
    expect(await imagesOf("group")).toEqual(expected.images_group);
    expect(await imagesOf("simple")).toEqual(expected.images_simple);
  });
});
