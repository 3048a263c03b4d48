/** Reads the slides of a presentation, in order: texts as Markdown, tables as cells, places. */
import { StagesErrors } from "../../errors.js";
import { type CoreProperties, readCoreProperties } from "../ooxml/core-properties.js";
import { ExtractErrors } from "../ooxml/errors.js";
import { OoxmlPackage } from "../ooxml/ooxml-package.js";
import { childrenOf, descend, integerOf, type XmlElement } from "../ooxml/xml/xml-element.js";
import { LayoutFrames } from "./layout-frames.js";
import { type Frame, slideShapes } from "./slide-shapes.js";
import { frameText, type TextParagraph, textFrame } from "./text-frame.js";

export interface SlideShape {
  readonly frame: Frame | undefined;
  /** Undefined for shapes that cannot hold text. */
  readonly paragraphs: readonly TextParagraph[] | undefined;
  /** Rows of cells, for tables. */
  readonly cells: readonly string[][] | undefined;
  readonly isPicture: boolean;
}

export interface Presentation {
  readonly slides: readonly { readonly shapes: readonly SlideShape[] }[];
  readonly slideFrame: Frame | undefined;
  readonly properties: CoreProperties;
}

/** @throws the errors of `ExtractErrors`, STAGES_DOCUMENT_TOO_LARGE above `maxSlides`. */
export function readPptx(bytes: Uint8Array, maxSlides: number): Presentation {
  const source = new OoxmlPackage(bytes);
  const part = source.mainPart("ppt/presentation.xml");
  const root = source.readXml(part);
  if (root?.name !== "p:presentation") {
    const found = root?.name ?? "nothing";
    throw ExtractErrors.PART_UNEXPECTED({ part, expected: "PowerPoint presentation", found });
  }
  const ids = childrenOf(descend(root, "p:sldIdLst"), "p:sldId");
  if (ids.length > maxSlides) {
    const [found, limit] = [ids.length, maxSlides];
    throw StagesErrors.DOCUMENT_TOO_LARGE({
      documentType: "pptx",
      what: "slides",
      found,
      limit,
      option: "maxPages",
    });
  }
  const relationships = source.relationshipsOf(part);
  const layouts = new LayoutFrames(source);
  const slides = ids.map((id) => {
    const slide = relationships.get(id.attributes["r:id"] ?? "")?.target ?? "a slide without name";
    return { shapes: readSlide(source, slide, layouts) };
  });
  const size = descend(root, "p:sldSz");
  const [width, height] = [integerOf(size, "cx"), integerOf(size, "cy")];
  const slideFrame =
    width === undefined || height === undefined ? undefined : { top: 0, left: 0, width, height };
  return { slides, slideFrame, properties: readCoreProperties(source) };
}

function readSlide(source: OoxmlPackage, part: string, layouts: LayoutFrames): SlideShape[] {
  const slide = source.readXml(part);
  if (slide === undefined) {
    throw ExtractErrors.PART_MISSING({ part, needed: "one of its slides" });
  }
  const relationships = source.relationshipsOf(part);
  return slideShapes(slide, layouts.of(relationships)).map((shape) => ({
    frame: shape.frame,
    paragraphs:
      shape.element.name === "p:sp"
        ? textFrame(shape.element, shape.placeholder?.type, relationships)
        : undefined,
    cells: tableCells(shape.element),
    isPicture: shape.element.name === "p:pic",
  }));
}

/** White space in a head is one blank, so that a head stays on one line. */
function tableCells(shape: XmlElement): string[][] | undefined {
  const table = descend(shape, "a:graphic", "a:graphicData", "a:tbl");
  if (table === undefined) return undefined;
  return childrenOf(table, "a:tr").map((row, index) =>
    childrenOf(row, "a:tc").map((cell) => {
      const text = frameText(descend(cell, "a:txBody"));
      return index === 0 ? text.replaceAll(/\s+/g, " ") : text;
    }),
  );
}
