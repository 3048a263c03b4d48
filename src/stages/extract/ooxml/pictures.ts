/** The pictures of an Office file, as they lie in it: never decoded, never fetched from elsewhere. */
import { ImageBudget } from "../../image/image-budget.js";
import { type ImageSize, imageSize } from "../../image/image-size.js";
import type { OoxmlPackage, Relationships } from "./ooxml-package.js";

const UNKNOWN_SIZE: ImageSize = { width: 0, height: 0 };

export interface Picture extends ImageSize {
  /** Base64 of the file's own bytes. */
  readonly content: string;
}

export class Pictures {
  readonly #source: OoxmlPackage;
  readonly #known = new Map<string, Picture | undefined>();
  /** A file may show one picture any number of times, and each time is a row. */
  readonly #budget = new ImageBudget();
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
    return this.#budget.take(picture.content.length) ? picture : undefined;
  }

  /** What was asked for and is not in the rows. */
  get notes(): string[] {
    const missing =
      this.#missing > 0 ? [`${this.#missing} pictures are not in the file itself`] : [];
    return [...missing, ...this.#budget.notes];
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
