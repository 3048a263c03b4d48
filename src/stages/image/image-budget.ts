/** How many pictures one document may give: each is a row, kept in memory until the job is answered. */
import { MiB } from "../../core/index.js";

const IMAGES_MAX = 10_000;
const TOTAL_BYTES_MAX = 256 * MiB;

export class ImageBudget {
  #count = 0;
  #bytes = 0;
  #leftOut = 0;

  /** Whether a picture of that many bytes (as base64) may be a row; if so, it is counted. */
  take(byteCount: number): boolean {
    if (this.#count >= IMAGES_MAX || this.#bytes + byteCount > TOTAL_BYTES_MAX) {
      this.#leftOut++;
      return false;
    }
    this.#count++;
    this.#bytes += byteCount;
    return true;
  }

  /** What was left out, in words; empty when nothing was. */
  get notes(): string[] {
    if (this.#leftOut === 0) return [];
    return [
      `${this.#leftOut} pictures are left out: at most ${IMAGES_MAX} of a document, ` +
        `of ${TOTAL_BYTES_MAX / MiB} MiB together`,
    ];
  }
}
