/**
 * The prefixes by which the rest of this room names elements, whatever prefix a file uses.
 *
 * Office writes one of two sets of namespaces, "transitional" or "strict"; both get the same prefix.
 */
const OPEN_XML = "http://schemas.openxmlformats.org";
const STRICT = "http://purl.oclc.org/ooxml";

const PREFIXES = new Map([
  [`${OPEN_XML}/wordprocessingml/2006/main`, "w"],
  [`${STRICT}/wordprocessingml/main`, "w"],
  [`${OPEN_XML}/presentationml/2006/main`, "p"],
  [`${STRICT}/presentationml/main`, "p"],
  [`${OPEN_XML}/spreadsheetml/2006/main`, "s"],
  [`${STRICT}/spreadsheetml/main`, "s"],
  [`${OPEN_XML}/drawingml/2006/main`, "a"],
  [`${STRICT}/drawingml/main`, "a"],
  [`${OPEN_XML}/officeDocument/2006/relationships`, "r"],
  [`${STRICT}/officeDocument/relationships`, "r"],
  [`${OPEN_XML}/package/2006/relationships`, "rel"],
  [`${OPEN_XML}/package/2006/metadata/core-properties`, "cp"],
  ["http://purl.org/dc/elements/1.1/", "dc"],
  ["http://purl.org/dc/terms/", "dcterms"],
  [`${OPEN_XML}/markup-compatibility/2006`, "mc"],
  // Books (EPUB): the container and the package.
  ["urn:oasis:names:tc:opendocument:xmlns:container", "ocf"],
  ["http://www.idpf.org/2007/opf", "opf"],
]);

/** `w:p` for a known namespace, the local name alone for none, `?:name` for any other. */
export function qualifiedName(uri: string, local: string): string {
  if (uri === "") return local;
  return `${PREFIXES.get(uri) ?? "?"}:${local}`;
}
