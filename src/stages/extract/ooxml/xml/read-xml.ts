/**
 * Reads the XML of a part into elements, with a bound on depth and on how much is held at once.
 *
 * A document type is refused outright, so no entity is ever declared, expanded or fetched; what is
 * left are the five names that XML itself knows and numeric references.
 */
import { SaxesParser } from "saxes";
import { KiB, messageOf } from "../../../../core/index.js";
import { ExtractErrors } from "../errors.js";
import { qualifiedName } from "./namespaces.js";
import type { XmlElement } from "./xml-element.js";

export interface XmlLimits {
  /** Real documents stay below 60, tables in tables included. */
  readonly maxDepth: number;
  /** Elements held in memory at a time, each some hundred bytes; a cell of a table is about eight. */
  readonly maxElements: number;
}

export const XML_LIMITS: XmlLimits = { maxDepth: 256, maxElements: 1_000_000 };

/** What the parser gets at a time, so that its own buffers stay small. */
const SLICE_CHARS = 64 * KiB;

export interface ReadXmlOptions {
  /** The part's name, for errors. */
  readonly part: string;
  /**
   * The children of the first element of this name are handed to `onItem` one by one and then
   * forgotten, so a body of any length needs the memory of its largest piece.
   */
  readonly items?: { readonly of: string; readonly onItem: (item: XmlElement) => void };
  readonly limits?: XmlLimits;
}

/**
 * The root element. Text of white space alone is kept: in a run it is text.
 *
 * @throws EXTRACT_OOXML_XML_INVALID, EXTRACT_OOXML_XML_TOO_COMPLEX, and whatever `onItem` throws.
 */
export function readXml(bytes: Uint8Array, options: ReadXmlOptions): XmlElement {
  const { part } = options;
  const text = decode(bytes, part);
  const builder = new Builder(options);
  const parser = new SaxesParser({ xmlns: true, position: false });
  const invalid = (reason: string) => ExtractErrors.XML_INVALID({ part, reason });
  parser.on("error", (error) => {
    throw invalid(error.message.slice(0, 200));
  });
  parser.on("doctype", () => {
    throw invalid("it declares a document type");
  });
  parser.on("opentag", (tag) => {
    const attributes: Record<string, string> = Object.create(null);
    for (const { uri, local, value, prefix } of Object.values(tag.attributes)) {
      if (prefix !== "xmlns" && local !== "xmlns") attributes[qualifiedName(uri, local)] = value;
    }
    builder.open({ name: qualifiedName(tag.uri, tag.local), attributes, children: [] });
  });
  parser.on("text", (value) => builder.text(value));
  parser.on("cdata", (value) => builder.text(value));
  parser.on("closetag", () => builder.close());
  for (let at = 0; at < text.length; at += SLICE_CHARS) {
    parser.write(text.slice(at, at + SLICE_CHARS));
  }
  parser.close();
  if (builder.root === undefined) throw invalid("it has no element");
  return builder.root;
}

interface OpenElement extends XmlElement {
  readonly children: (XmlElement | string)[];
}

/** Builds the tree and counts; an item that was handed on no longer counts. */
class Builder {
  root: XmlElement | undefined;
  readonly #open: OpenElement[] = [];
  readonly #options: ReadXmlOptions;
  readonly #limits: XmlLimits;
  /** Index in `#open` of the element whose children are items; -1 before and after it. */
  #itemsAt = -1;
  #itemsSeen = false;
  #held = 0;

  constructor(options: ReadXmlOptions) {
    this.#options = options;
    this.#limits = options.limits ?? XML_LIMITS;
  }

  open(element: OpenElement): void {
    const { maxDepth, maxElements } = this.#limits;
    if (this.#open.length >= maxDepth) this.#refuse("levels of elements in each other", maxDepth);
    this.#held += 1;
    if (this.#held > maxElements) this.#refuse("elements in one piece", maxElements);
    const parent = this.#open.at(-1);
    if (parent === undefined) this.root ??= element;
    else if (this.#open.length - 1 !== this.#itemsAt) parent.children.push(element);
    if (!this.#itemsSeen && element.name === this.#options.items?.of) {
      this.#itemsSeen = true;
      this.#itemsAt = this.#open.length;
    }
    this.#open.push(element);
  }

  text(value: string): void {
    if (this.#open.length - 1 !== this.#itemsAt) this.#open.at(-1)?.children.push(value);
  }

  close(): void {
    const element = this.#open.pop();
    if (element === undefined) return;
    if (this.#open.length === this.#itemsAt) this.#itemsAt = -1;
    else if (this.#itemsAt !== -1 && this.#open.length - 1 === this.#itemsAt) {
      this.#held = this.#open.length;
      this.#options.items?.onItem(element);
    }
  }

  #refuse(what: string, limit: number): never {
    throw ExtractErrors.XML_TOO_COMPLEX({ part: this.#options.part, what, limit });
  }
}

/** Office files are UTF-8 or UTF-16; anything else is refused instead of guessed. */
function decode(bytes: Uint8Array, part: string): string {
  const [first, second] = bytes;
  const little = (first === 0xff && second === 0xfe) || (first === 0x3c && second === 0);
  const big = (first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c);
  const encoding = little ? "utf-16le" : big ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    const reason = `it is no ${encoding.toUpperCase()} text (${messageOf(error)})`;
    throw ExtractErrors.XML_INVALID({ part, reason }, error);
  }
}
