/** Reads the slides of a presentation, in order: texts as Markdown, tables as cells, places. */
import { StagesErrors } from "../../errors.js";
import { type CoreProperties, readCoreProperties } from "../ooxml/core-properties.js";
import { ExtractErrors } from "../ooxml/errors.js";
import { OoxmlPackage, type Relationships } from "../ooxml/ooxml-package.js";
import { Pictures } from "../ooxml/pictures.js";
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
  /** The relationship of its picture, which may lie outside of the file. */
  readonly pictureId: string | undefined;
}

export interface Slide {
  readonly shapes: readonly SlideShape[];
  readonly relationships: Relationships;
}

export interface Presentation {
  readonly slides: readonly Slide[];
  readonly slideFrame: Frame | undefined;
  readonly properties: CoreProperties;
  readonly pictures: Pictures;
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
    return readSlide(source, slide, layouts);
  });
  const size = descend(root, "p:sldSz");
  const [width, height] = [integerOf(size, "cx"), integerOf(size, "cy")];
  const slideFrame =
    width === undefined || height === undefined ? undefined : { top: 0, left: 0, width, height };
  const pictures = new Pictures(source);
  return { slides, slideFrame, properties: readCoreProperties(source), pictures };
}

function readSlide(source: OoxmlPackage, part: string, layouts: LayoutFrames): Slide {
  const slide = source.readXml(part);
  if (slide === undefined) {
    throw ExtractErrors.PART_MISSING({ part, needed: "one of its slides" });
  }
  const relationships = source.relationshipsOf(part);
  const shapes = slideShapes(slide, layouts.of(relationships)).map((shape) => ({
    frame: shape.frame,
    paragraphs:
      shape.element.name === "p:sp"
        ? textFrame(shape.element, shape.placeholder?.type, relationships)
        : undefined,
    cells: tableCells(shape.element),
    pictureId: pictureId(shape.element),
  }));
  return { shapes, relationships };
}

function pictureId(shape: XmlElement): string | undefined {
  if (shape.name !== "p:pic") return undefined;
  const { "r:embed": inside, "r:link": outside } =
    descend(shape, "p:blipFill", "a:blip")?.attributes ?? {};
  return inside ?? outside;
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
