/** How large a drawing wants to be, read from its first element. */
import type { ImageSize } from "../../image/image-size.js";
import { readXml } from "../ooxml/xml/read-xml.js";

const PIXELS = /^\s*(\d{1,9}(?:\.\d{1,9})?)(?:px)?\s*$/;

/** In pixels, 0 where the drawing says nothing. Undefined for what is no drawing. */
export function svgSize(bytes: Uint8Array): ImageSize | undefined {
  try {
    const { name, attributes } = readXml(bytes, { part: "the drawing" });
    if (!/(?:^|:)svg$/.test(name)) return undefined;
    const [, , boxWidth, boxHeight] = (attributes.viewBox ?? "").trim().split(/[\s,]+/, 4);
    return {
      width: pixelsOf(attributes.width) ?? pixelsOf(boxWidth) ?? 0,
      height: pixelsOf(attributes.height) ?? pixelsOf(boxHeight) ?? 0,
    };
  } catch {
    return undefined;
  }
}

function pixelsOf(length: string | undefined): number | undefined {
  const number = PIXELS.exec(length ?? "")?.[1];
  return number === undefined ? undefined : Math.round(Number(number));
}
