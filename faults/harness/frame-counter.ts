/** Finds a place in a stream of frames: so many bytes into the frame of a number. */

const HEADER_BYTES = 8;

export class FrameCounter {
  readonly #at: { readonly frame: number; readonly byte: number };
  #frame = 1;
  /** Bytes of the present frame that have passed. */
  #byte = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #length = 0;

  /** @param at `byte` counts from the frame's header on; one beyond its end is its end. */
  constructor(at: { readonly frame: number; readonly byte: number }) {
    this.#at = at;
  }

  /** How many bytes of the chunk come before the place; undefined when it is not in it. */
  pass(chunk: Buffer): number | undefined {
    for (let index = 0; index < chunk.length; ) {
      if (this.#isThere()) return index;
      if (this.#byte < HEADER_BYTES) {
        this.#header[this.#byte++] = chunk[index++] as number;
        if (this.#byte === HEADER_BYTES) this.#length = Number(this.#header.readBigUInt64BE());
      } else {
        const end = HEADER_BYTES + this.#length;
        const stop = this.#frame === this.#at.frame ? Math.min(end, this.#at.byte) : end;
        const step = Math.min(stop - this.#byte, chunk.length - index);
        this.#byte += step;
        index += step;
      }
      if (this.#isThere()) return index;
      if (this.#byte >= HEADER_BYTES && this.#byte === HEADER_BYTES + this.#length) {
        if (this.#frame === this.#at.frame) return index;
        this.#frame++;
        this.#byte = 0;
      }
    }
    return undefined;
  }

  #isThere(): boolean {
    return this.#frame === this.#at.frame && this.#byte >= this.#at.byte;
  }
}
