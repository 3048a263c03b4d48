/** Elements that HTML knows to have no content, and that need no end. */
const VOID: ReadonlySet<string> = new Set(
  "area base br col embed hr img input link meta source track wbr".split(" "),
);

/**
 * Pages of XML as pages that a parser of HTML understands: `<title/>` is an element without content
 * there, and one without an end here, which would swallow the page.
 */
export function xhtmlToHtml(bytes: Uint8Array): Buffer {
  const text = new TextDecoder().decode(bytes);
  const html = text.replaceAll(
    /<([A-Za-z][\w:.-]*)([^<>]*)\/>/g,
    (whole, name: string, attributes: string) =>
      VOID.has(name.toLowerCase()) ? whole : `<${name}${attributes}></${name}>`,
  );
  return Buffer.from(html);
}
