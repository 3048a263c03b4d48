/** Reads what an Office file says of itself: dates and keywords. All of it may be missing. */
import type { OoxmlPackage } from "./ooxml-package.js";
import { childrenOf, textOf, type XmlElement } from "./xml/xml-element.js";

export interface CoreProperties {
  /** ISO 8601 in UTC with `+00:00`, to the second; undefined when missing or no date. */
  readonly created: string | undefined;
  readonly modified: string | undefined;
  readonly keywords: string;
}

/** The core properties; a file without the part has none. @throws EXTRACT_OOXML_XML_INVALID */
export function readCoreProperties(source: OoxmlPackage): CoreProperties {
  const part = source.partOf(source.relationshipsOf(""), "core-properties");
  const root = part === undefined ? undefined : source.readXml(part);
  return {
    created: utcDate(only(root, "dcterms:created")),
    modified: utcDate(only(root, "dcterms:modified")),
    keywords: only(root, "cp:keywords"),
  };
}

function only(root: XmlElement | undefined, name: string): string {
  return textOf(childrenOf(root, name)[0]);
}

/** `yyyy`, `yyyy-mm`, `yyyy-mm-dd` or a full time with `Z`, an offset or nothing, which is UTC. */
const W3C_DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(Z|([+-])(\d\d):(\d\d))?)?)?)?$/;

/** A date of the core properties in the one form that results use. */
export function utcDate(text: string): string | undefined {
  const match = W3C_DATE.exec(text.trim());
  if (match === null) return undefined;
  const part = (index: number, fallback: number) => Number(match[index] ?? fallback);
  const [month, day, hour, minute] = [part(2, 1), part(3, 1), part(4, 0), part(5, 0)];
  const time = Date.UTC(part(1, 0), month - 1, day, hour, minute, part(6, 0));
  const date = new Date(time);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isReal || hour > 23 || minute > 59 || part(6, 0) > 59) return undefined;
  const offsetMinutes = (part(9, 0) * 60 + part(10, 0)) * (match[8] === "-" ? 1 : -1);
  return `${new Date(time + offsetMinutes * 60_000).toISOString().slice(0, 19)}+00:00`;
}
