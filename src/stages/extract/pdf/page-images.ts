/**
 * Pictures of PDF pages: parts of the page by `group`, the file's own pictures by `simple`, and whole
 * pages. Source: spec pipeline-and-stages.md 5.2.
 */
import { Transformer } from "@napi-rs/image";
import { ImageBudget } from "../../image/image-budget.js";
import type { ImageSize } from "../../image/image-size.js";
import { pictureBoxes } from "./page-boxes.js";
import type { Pixels } from "./pdfium-bitmap.js";
import type { Box, PdfPage } from "./pdfium-page.js";

export interface PageImage extends ImageSize {
  /** Base64 of a PNG. */
  readonly content: string;
  readonly location: readonly [number, number, number, number];
  /** What `location` is a part of. */
  readonly maxDimensions: readonly [width: number, height: number];
}

/** Above this neither a page is drawn nor a picture decoded: 128 MiB as RGBA. */
const PIXELS_MAX = 2 ** 25;
const SIDE_MIN = 10;
const PAGE_IMAGE_SIDE = 1_024;
/** Pages are drawn with no more than this: 300 pixels for an inch of 72 points. */
const PAGE_IMAGE_SCALE_MAX = 300 / 72;

/** Takes the pictures of one document, page by page, within the bounds for a document. */
export class PageImages {
  readonly #budget = new ImageBudget();
  /** What was passed over, with how often. */
  readonly #passedOver = new Map<string, number>();

  get notes(): string[] {
    const passedOver = [...this.#passedOver].map(([what, count]) => `${what} (${count})`);
    return [...passedOver, ...this.#budget.notes];
  }

  /** @param method `simple`, else `group` holds. */
  take(page: PdfPage, method: string): PageImage[] {
    const images = method === "simple" ? this.#own(page) : this.#parts(page);
    return images.filter(({ content }) => this.#budget.take(content.length));
  }

  /** The whole page, fitted into 1024 × 1024 pixels. */
  takePage(page: PdfPage): PageImage[] {
    const { width, height } = fitted(page);
    const image = {
      ...encoded(page.render(width, height)),
      location: [0, 0, width, height] as const,
      maxDimensions: [width, height] as const,
    };
    return this.#budget.take(image.content.length) ? [image] : [];
  }

  #passOver(what: string): void {
    this.#passedOver.set(what, (this.#passedOver.get(what) ?? 0) + 1);
  }

  #parts(page: PdfPage): PageImage[] {
    const { boxes, passedOver } = pictureBoxes(page);
    for (const what of passedOver) this.#passOver(what);
    if (boxes.length === 0) return [];
    const width = Math.ceil(page.width);
    const height = Math.ceil(page.height);
    if (width * height > PIXELS_MAX) {
      this.#passOver("images of a page that is too large to be drawn");
      return [];
    }
    const drawn = page.render(width, height);
    return boxes.map((box) => ({
      ...encoded(cut(drawn, box)),
      location: box,
      maxDimensions: [page.width, page.height],
    }));
  }

  #own(page: PdfPage): PageImage[] {
    const pictures = page.objects(2).filter(({ kind }) => kind === "image");
    return pictures.flatMap((picture) => {
      const { width, height } = picture.pixelSize();
      if (width < SIDE_MIN && height < SIDE_MIN) return [];
      const pixels = width * height > PIXELS_MAX ? undefined : picture.pixels();
      if (pixels === undefined) {
        this.#passOver("an image that is too large or cannot be decoded");
        return [];
      }
      const maxDimensions = [page.width, page.height] as const;
      // Upstream gives these in the PDF's own coordinates, from the bottom of the page.
      return [{ ...encoded(pixels), location: picture.bounds, maxDimensions }];
    });
  }
}

function fitted({ width, height }: PdfPage): ImageSize {
  const scale = Math.min(PAGE_IMAGE_SIDE / width, PAGE_IMAGE_SIDE / height, PAGE_IMAGE_SCALE_MAX);
  const whole = (length: number) => Math.max(1, Math.round(length * scale));
  return { width: whole(width), height: whole(height) };
}

function cut({ rgba, width }: Pixels, [left, top, right, bottom]: Box): Pixels {
  const rowBytes = (right - left) * 4;
  const part = new Uint8Array(rowBytes * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const start = (y * width + left) * 4;
    part.set(rgba.subarray(start, start + rowBytes), (y - top) * rowBytes);
  }
  return { rgba: part, width: right - left, height: bottom - top };
}

function encoded({ rgba, width, height }: Pixels): ImageSize & { readonly content: string } {
  const png = Transformer.fromRgbaPixels(rgba, width, height).pngSync();
  return { content: png.toString("base64"), width, height };
}
