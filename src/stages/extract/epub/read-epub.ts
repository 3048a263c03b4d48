/** Reads a book (EPUB): its chapters in the order of its spine, and what it says of itself. */
import { StagesErrors } from "../../errors.js";
import { utcDate } from "../ooxml/core-properties.js";
import { ExtractErrors } from "../ooxml/errors.js";
import { OoxmlPackage } from "../ooxml/ooxml-package.js";
import {
  childrenOf,
  descend,
  descendantsOf,
  elementsOf,
  textOf,
} from "../ooxml/xml/xml-element.js";

export interface Book {
  readonly title: string;
  /** Subjects, divided by commas. */
  readonly keywords: string;
  readonly created: string | undefined;
  readonly modified: string | undefined;
  /** Parts with pages, in reading order; each may be read once. */
  readonly chapters: readonly string[];
  /** Parts with pictures, in the order in which the book lists them. */
  readonly pictures: readonly string[];
  read(part: string): Uint8Array | undefined;
}

const CONTAINER = "META-INF/container.xml";
const ENCRYPTION = "META-INF/encryption.xml";
const PAGE_TYPES: ReadonlySet<string> = new Set(["application/xhtml+xml", "text/html"]);
const PICTURE_TYPES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
]);

/**
 * @param maxChapters chapters beyond are refused.
 * @throws the errors of `ExtractErrors`, STAGES_DOCUMENT_ENCRYPTED, STAGES_DOCUMENT_TOO_LARGE.
 */
export function readEpub(bytes: Uint8Array, maxChapters: number): Book {
  const source = new OoxmlPackage(bytes);
  const container = source.readXml(CONTAINER);
  const listed = childrenOf(descend(container, "ocf:rootfiles"), "ocf:rootfile")[0];
  const packagePart = listed?.attributes["full-path"] ?? "";
  const root = source.readXml(packagePart);
  if (root === undefined) {
    const part = packagePart === "" ? CONTAINER : packagePart;
    throw ExtractErrors.PART_MISSING({ part, needed: "the book's list of chapters" });
  }
  const items = new Map(
    childrenOf(descend(root, "opf:manifest"), "opf:item").map(({ attributes }) => [
      attributes.id ?? "",
      {
        part: partOf(packagePart, attributes.href ?? ""),
        mediaType: attributes["media-type"] ?? "",
      },
    ]),
  );
  const chapters = childrenOf(descend(root, "opf:spine"), "opf:itemref").flatMap(
    ({ attributes }) => {
      const item = items.get(attributes.idref ?? "");
      return item !== undefined && PAGE_TYPES.has(item.mediaType) ? [item.part] : [];
    },
  );
  refuseTooMany(chapters.length, maxChapters);
  refuseEncrypted(source, chapters);
  const about = elementsOf(descend(root, "opf:metadata"));
  const all = (name: string) =>
    about.filter((each) => each.name === name).map((each) => textOf(each).trim());
  const modified = about.find(({ attributes }) => attributes.property === "dcterms:modified");
  return {
    title: all("dc:title")[0] ?? "",
    keywords: all("dc:subject").join(", "),
    created: utcDate(all("dc:date")[0] ?? ""),
    modified: utcDate(textOf(modified)),
    // A chapter that is listed again is not read again: lists cost nothing, pages do.
    chapters: [...new Set(chapters)],
    pictures: [...items.values()]
      .filter(({ mediaType }) => PICTURE_TYPES.has(mediaType))
      .map(({ part }) => part),
    read: (part) => source.read(part),
  };
}

function refuseTooMany(found: number, limit: number): void {
  if (found <= limit) return;
  const what = { documentType: "epub", what: "chapters", found, limit, option: "maxPages" };
  throw StagesErrors.DOCUMENT_TOO_LARGE(what);
}

/** Fonts are often encrypted, which does not matter here; chapters are where a book is protected. */
function refuseEncrypted(source: OoxmlPackage, chapters: readonly string[]): void {
  const root = source.readXml(ENCRYPTION);
  if (root === undefined) return;
  const references = descendantsOf(root, "?:CipherReference");
  const names = new Set(references.map(({ attributes }) => partOf("", attributes.URI ?? "")));
  if (!chapters.some((part) => names.has(part))) return;
  const reason = "its chapters are encrypted (digital rights management)";
  throw StagesErrors.DOCUMENT_ENCRYPTED({ documentType: "epub", reason });
}

/** The name in the archive that an address in a part means. */
function partOf(part: string, address: string): string {
  const steps = part.split("/").slice(0, -1);
  for (const step of decoded(address.split("#", 1)[0] ?? "").split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "" && step !== ".") steps.push(step);
  }
  return steps.join("/");
}

function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
