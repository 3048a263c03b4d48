/** Parses a page into a tree of bounded size. Nothing is run, nothing is fetched. */
import { type DefaultTreeAdapterMap, defaultTreeAdapter, parse } from "parse5";
import { MiB } from "../../../core/index.js";
import { HtmlErrors } from "./errors.js";

export type HtmlNode = DefaultTreeAdapterMap["childNode"];
export type HtmlElement = DefaultTreeAdapterMap["element"];

export interface PageLimits {
  readonly maxBytes: number;
  /** A parser repeats unclosed elements, so a page can have more of them than it has tags. */
  readonly maxElements: number;
}

/** Pages of several MiB exist; an element takes some hundred bytes of memory. */
const PAGE_LIMITS: PageLimits = { maxBytes: 64 * MiB, maxElements: 2_000_000 };

/**
 * The children of the page's body; of a page without one, of its root.
 *
 * @throws EXTRACT_HTML_TOO_LARGE
 */
export function parsePage(bytes: Uint8Array, limits: PageLimits = PAGE_LIMITS): HtmlNode[] {
  const { maxBytes, maxElements } = limits;
  if (bytes.length > maxBytes) throw HtmlErrors.TOO_LARGE({ what: "bytes", limit: maxBytes });
  let elements = 0;
  const treeAdapter: typeof defaultTreeAdapter = {
    ...defaultTreeAdapter,
    createElement(...parts) {
      elements += 1;
      if (elements > maxElements) {
        throw HtmlErrors.TOO_LARGE({ what: "elements", limit: maxElements });
      }
      return defaultTreeAdapter.createElement(...parts);
    },
  };
  // Without scripting the content of <noscript> is part of the page, which is what a reader gets.
  const document = parse(new TextDecoder().decode(bytes), { treeAdapter, scriptingEnabled: false });
  const root = document.childNodes.find((node) => node.nodeName === "html");
  const children = root !== undefined && "childNodes" in root ? root.childNodes : [];
  const body = children.find((node) => node.nodeName === "body");
  return body !== undefined && "childNodes" in body ? body.childNodes : children;
}

export function isElement(node: HtmlNode): node is HtmlElement {
  return "tagName" in node;
}

export function attributeOf(element: HtmlElement, name: string): string | undefined {
  return element.attrs.find((attribute) => attribute.name === name)?.value;
}

/** All text below an element as it stands there, `<br>` as a line end. Takes any depth. */
export function rawText(element: HtmlElement): string {
  const texts: string[] = [];
  const open: HtmlNode[] = [...element.childNodes].reverse();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ("value" in node) texts.push(node.value);
    else if (node.nodeName === "br") texts.push("\n");
    else if (isElement(node)) {
      for (let at = node.childNodes.length - 1; at >= 0; at--) {
        open.push(node.childNodes[at] as HtmlNode);
      }
    }
  }
  return texts.join("");
}
