/**
 * An Office file as what it is: parts in an archive that point to each other by relationships.
 *
 * A relationship's target is looked up among the names of the archive and nowhere else: it is never
 * a path of this machine, and what lies outside of the file is never fetched.
 */
import { ExtractErrors } from "./errors.js";
import { type ReadXmlOptions, readXml } from "./xml/read-xml.js";
import { childrenOf, type XmlElement } from "./xml/xml-element.js";
import { ZipArchive, type ZipLimits } from "./zip/zip-archive.js";

export interface Relationship {
  /** The last word of its type, for example `officeDocument` or `hyperlink`. */
  readonly kind: string;
  /** The name of a part, or the address itself when `isExternal`. */
  readonly target: string;
  /** The target as it is written, relative to the folder of the part. */
  readonly reference: string;
  readonly isExternal: boolean;
}

/** By relationship id. */
export type Relationships = ReadonlyMap<string, Relationship>;

export class OoxmlPackage {
  readonly #archive: ZipArchive;

  /** @throws EXTRACT_OOXML_ARCHIVE_INVALID, …_PROTECTED, …_TOO_LARGE. */
  constructor(bytes: Uint8Array, limits?: ZipLimits) {
    this.#archive = new ZipArchive(bytes, limits);
  }

  has(part: string): boolean {
    return this.#archive.has(part);
  }

  /** The bytes of a part, or undefined when it is not there. */
  read(part: string): Uint8Array | undefined {
    return this.#archive.read(part);
  }

  /** The root of a part's XML, or undefined when the part is not there. */
  readXml(part: string, options: Omit<ReadXmlOptions, "part"> = {}): XmlElement | undefined {
    const bytes = this.#archive.read(part);
    return bytes === undefined ? undefined : readXml(bytes, { part, ...options });
  }

  /** What `part` points to; empty when it has no relationships. The package itself is part "". */
  relationshipsOf(part: string): Relationships {
    const slash = part.lastIndexOf("/") + 1;
    const root = this.readXml(`${part.slice(0, slash)}_rels/${part.slice(slash)}.rels`);
    const found = new Map<string, Relationship>();
    for (const { attributes } of childrenOf(root, "rel:Relationship")) {
      const {
        Id: id = "",
        Type: type = "",
        Target: target = "",
        TargetMode: mode = "",
      } = attributes;
      const isExternal = mode === "External";
      found.set(id, {
        kind: type.slice(type.lastIndexOf("/") + 1),
        target: isExternal ? target : resolveTarget(part.slice(0, slash), target),
        reference: target,
        isExternal,
      });
    }
    return found;
  }

  /**
   * The name of the part that is the document itself.
   *
   * @param usual where programs put it; taken when the package names none.
   * @throws EXTRACT_OOXML_PART_MISSING
   */
  mainPart(usual: string): string {
    const main = first(this.relationshipsOf(""), "officeDocument") ?? usual;
    if (this.has(main)) return main;
    throw ExtractErrors.PART_MISSING({ part: main, needed: "the document itself" });
  }

  /** The first part of `kind` that `relationships` point to and that is there. */
  partOf(relationships: Relationships, kind: string): string | undefined {
    const part = first(relationships, kind);
    return part !== undefined && this.has(part) ? part : undefined;
  }
}

function first(relationships: Relationships, kind: string): string | undefined {
  for (const one of relationships.values()) {
    if (one.kind === kind && !one.isExternal) return one.target;
  }
  return undefined;
}

/** The name that a target means, seen from a folder of the archive that ends in a slash. */
function resolveTarget(folder: string, target: string): string {
  const steps = target.startsWith("/") ? [] : folder.split("/").slice(0, -1);
  for (const step of target.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "" && step !== ".") steps.push(step);
  }
  return steps.join("/");
}
