/** An element of a part's XML as plain data, and the few ways in which extractors look into it. */

export interface XmlElement {
  /** With the room's own prefix, see `namespaces.ts`. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
}

/** The child elements, without the text between them. */
export function elementsOf(element: XmlElement | undefined): XmlElement[] {
  const isElement = (child: XmlElement | string) => typeof child !== "string";
  return (element?.children.filter(isElement) ?? []) as XmlElement[];
}

/** The child elements of one name. */
export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return elementsOf(element).filter((child) => child.name === name);
}

/** Follows the first child of each name; undefined as soon as there is none. */
export function descend(element: XmlElement | undefined, ...names: string[]) {
  let at = element;
  for (const name of names) {
    at = at?.children.find(
      (child): child is XmlElement => typeof child !== "string" && child.name === name,
    );
  }
  return at;
}

/** The text that stands directly in the element. */
export function textOf(element: XmlElement | undefined): string {
  return element?.children.filter((child) => typeof child === "string").join("") ?? "";
}

/** All elements below that have the name, in document order. The reader bounds the depth. */
export function descendantsOf(element: XmlElement, name: string): XmlElement[] {
  return elementsOf(element).flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...descendantsOf(child, name),
  ]);
}

/** A whole number in an attribute, or undefined when it is missing or something else. */
export function integerOf(element: XmlElement | undefined, attribute: string): number | undefined {
  const text = element?.attributes[attribute]?.trim() ?? "";
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
