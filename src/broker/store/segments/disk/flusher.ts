/**
 * Every flush goes through here, because the first that fails is the last: the system may have thrown
 * away what it could not write and call the next flush a success, so nothing can be promised after.
 */
import { type MillraceError, messageOf } from "../../../../core/index.js";
import { StoreErrors } from "../../errors.js";
import type { FileLayer } from "./file-layer.js";

export class Flusher {
  readonly failed: Promise<MillraceError>;
  /** Why the store can go on no more. */
  failure: MillraceError | undefined;
  flushCount = 0;
  readonly #files: FileLayer;
  #tellFailure!: (failure: MillraceError) => void;

  constructor(files: FileLayer) {
    this.#files = files;
    this.failed = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  /** @throws STORE_FAILED, and from then on always */
  async flush(fd: number): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.flushCount++;
    try {
      await this.#files.flush(fd);
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** The end of the store; the first reason is the one that counts. */
  fail(error: unknown): MillraceError {
    if (this.failure === undefined) {
      this.failure = StoreErrors.FAILED({ reason: messageOf(error) }, error);
      this.#tellFailure(this.failure);
    }
    return this.failure;
  }
}
