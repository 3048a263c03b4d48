/** Looks up where layouts and masters put the placeholders of a slide. */
import type { OoxmlPackage, Relationships } from "../ooxml/ooxml-package.js";
import { descend } from "../ooxml/xml/xml-element.js";
import { flatShapes, type InheritedFrame, type Shape, shapeOf } from "./slide-shapes.js";

/** What a layout's placeholder is called on the master; all others are its `body`. */
const MASTER_TYPES = new Map([
  ["title", "title"],
  ["ctrTitle", "title"],
  ["dt", "dt"],
  ["ftr", "ftr"],
  ["sldNum", "sldNum"],
]);

/** Reads each layout and master of a presentation once. */
export class LayoutFrames {
  readonly #source: OoxmlPackage;
  readonly #shapes = new Map<string, readonly Shape[]>();

  constructor(source: OoxmlPackage) {
    this.#source = source;
  }

  /** For a slide with these relationships. Parts that are missing leave places unknown. */
  of(relationships: Relationships): InheritedFrame {
    const shapes = this.#placeholdersOf(this.#source.partOf(relationships, "slideLayout"));
    return ({ index }) => shapes.find((shape) => shape.placeholder?.index === index)?.frame;
  }

  #placeholdersOf(layout: string | undefined): readonly Shape[] {
    if (layout === undefined) return [];
    const known = this.#shapes.get(layout);
    if (known !== undefined) return known;
    const master = this.#source.partOf(this.#source.relationshipsOf(layout), "slideMaster");
    const masterShapes = this.#read(master, () => undefined);
    return this.#read(layout, ({ type }) => {
      const masterType = MASTER_TYPES.get(type) ?? "body";
      return masterShapes.find((shape) => shape.placeholder?.type === masterType)?.frame;
    });
  }

  #read(part: string | undefined, inherited: InheritedFrame): readonly Shape[] {
    if (part === undefined) return [];
    const known = this.#shapes.get(part);
    if (known !== undefined) return known;
    const tree = descend(this.#source.readXml(part), "p:cSld", "p:spTree");
    const shapes = flatShapes(tree)
      .map((element) => shapeOf(element, inherited))
      .filter((shape) => shape.placeholder !== undefined);
    this.#shapes.set(part, shapes);
    return shapes;
  }
}
