/**
 * Finds the shapes of a slide: groups opened, each with its place, in the order of reading.
 * Source: spec pipeline-and-stages.md 5.4.
 */
import type { Box } from "../../../message/index.js";
import { NOWHERE } from "../ooxml/office-rows.js";
import { descend, elementsOf, integerOf, type XmlElement } from "../ooxml/xml/xml-element.js";

/** A place on a slide in EMU, 914,400 to the inch. */
export interface Frame {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

export interface Placeholder {
  /** `title`, `ctrTitle`, `subTitle`, `body` …; `obj` when the file says nothing. */
  readonly type: string;
  readonly index: number;
}

export interface Shape {
  readonly element: XmlElement;
  readonly placeholder: Placeholder | undefined;
  readonly frame: Frame | undefined;
}

/** The place that a placeholder has when the slide does not say it: that of its layout. */
export type InheritedFrame = (placeholder: Placeholder) => Frame | undefined;

const SHAPES = new Set(["p:sp", "p:pic", "p:graphicFrame", "p:cxnSp", "p:contentPart"]);

/** From top to bottom, then from left to right; shapes without a place come last. */
export function slideShapes(slide: XmlElement, inherited: InheritedFrame): Shape[] {
  const top = ({ frame }: Shape) => frame?.top ?? Number.MAX_SAFE_INTEGER;
  const left = ({ frame }: Shape) => frame?.left ?? Number.MAX_SAFE_INTEGER;
  return flatShapes(descend(slide, "p:cSld", "p:spTree"))
    .map((element) => shapeOf(element, inherited))
    .sort((a, b) => top(a) - top(b) || left(a) - left(b));
}

/** The shapes in the order of the file. Of alternatives the first is taken. */
export function flatShapes(tree: XmlElement | undefined): XmlElement[] {
  return elementsOf(tree).flatMap((child) => {
    if (SHAPES.has(child.name)) return [child];
    if (child.name === "p:grpSp") return flatShapes(child);
    return child.name === "mc:AlternateContent" ? flatShapes(descend(child, "mc:Choice")) : [];
  });
}

export function shapeOf(element: XmlElement, inherited: InheritedFrame): Shape {
  const placeholder = placeholderOf(element);
  const own = frameOf(descend(element, "p:xfrm") ?? descend(element, "p:spPr", "a:xfrm"));
  return {
    element,
    placeholder,
    frame: own ?? (placeholder === undefined ? undefined : inherited(placeholder)),
  };
}

/** `[top, left, bottom, right]`, the order that upstream writes for slides. */
export function boxOf(frame: Frame | undefined): Box {
  if (frame === undefined) return NOWHERE;
  const { top, left, width, height } = frame;
  return [top, left, top + height, left + width];
}

function placeholderOf(element: XmlElement): Placeholder | undefined {
  for (const properties of elementsOf(element)) {
    const found = descend(properties, "p:nvPr", "p:ph");
    if (found === undefined) continue;
    return { type: found.attributes.type ?? "obj", index: integerOf(found, "idx") ?? 0 };
  }
  return undefined;
}

function frameOf(transform: XmlElement | undefined): Frame | undefined {
  const [offset, extent] = [descend(transform, "a:off"), descend(transform, "a:ext")];
  const [top, left] = [integerOf(offset, "y"), integerOf(offset, "x")];
  const [width, height] = [integerOf(extent, "cx"), integerOf(extent, "cy")];
  if (top === undefined || left === undefined) return undefined;
  if (width === undefined || height === undefined) return undefined;
  return { top, left, width, height };
}
