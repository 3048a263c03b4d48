/** The pictures of an Office file, as they lie in it: never decoded, never fetched from elsewhere. */
import { MiB } from "../../../core/index.js";
import { type ImageSize, imageSize } from "../../image/image-size.js";
import type { OoxmlPackage, Relationships } from "./ooxml-package.js";

/** A file may show one picture any number of times, and each time is a row. */
const PICTURES_MAX = 10_000;
const TOTAL_BYTES_MAX = 256 * MiB;

const UNKNOWN_SIZE: ImageSize = { width: 0, height: 0 };

export interface Picture extends ImageSize {
  /** Base64 of the file's own bytes. */
  readonly content: string;
}

export class Pictures {
  readonly #source: OoxmlPackage;
  readonly #known = new Map<string, Picture | undefined>();
  #count = 0;
  #bytes = 0;
  #leftOut = 0;
  #missing = 0;

  constructor(source: OoxmlPackage) {
    this.#source = source;
  }

  /** The picture of a relationship; undefined when it is not in the file, or too much by now. */
  take(relationships: Relationships, id: string | undefined): Picture | undefined {
    const target = relationships.get(id ?? "");
    const picture =
      target === undefined || target.isExternal ? undefined : this.#pictureOf(target.target);
    if (picture === undefined) {
      this.#missing++;
      return undefined;
    }
    if (this.#count >= PICTURES_MAX || this.#bytes + picture.content.length > TOTAL_BYTES_MAX) {
      this.#leftOut++;
      return undefined;
    }
    this.#count++;
    this.#bytes += picture.content.length;
    return picture;
  }

  /** What was asked for and is not in the rows. */
  get notes(): string[] {
    const notes: string[] = [];
    if (this.#missing > 0) notes.push(`${this.#missing} pictures are not in the file itself`);
    if (this.#leftOut > 0) {
      notes.push(
        `${this.#leftOut} pictures are left out: at most ${PICTURES_MAX} of a document, ` +
          `of ${TOTAL_BYTES_MAX / MiB} MiB together`,
      );
    }
    return notes;
  }

  #pictureOf(part: string): Picture | undefined {
    if (!this.#known.has(part)) {
      const bytes = this.#source.read(part);
      const picture = bytes && {
        content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"),
        ...(imageSize(bytes) ?? UNKNOWN_SIZE),
      };
      this.#known.set(part, picture);
    }
    return this.#known.get(part);
  }
}
