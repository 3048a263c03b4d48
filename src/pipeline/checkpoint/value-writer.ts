/** Writes values as bytes, without silently changing any: what it does not know, it refuses. */
import { KiB } from "../../core/index.js";
import { DEPTH_MAX, TAGS } from "./value-format.js";

/** Where the bytes go. */
export interface ByteSink {
  /** Takes what it needs of them at once: they are overwritten afterwards. */
  takeBytes(bytes: Uint8Array): void;
  /** As UTF-8. Only texts without unpaired surrogates come. */
  takeText(text: string): void;
}

const CHUNK_BYTES = 64 * KiB;
/** A longer text goes past the chunk. UTF-8 takes at most three bytes for one of its units. */
const SHORT_LENGTH_MAX = 4 * KiB;
const U32_MAX = 0xffff_ffff;

export class ValueWriter {
  readonly #sink: ByteSink;
  readonly #isSorted: boolean;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  readonly #seen = new Map<object, number>();

  /** @param options.sortMembers equal records give equal bytes, in whatever order their members are. */
  constructor(sink: ByteSink, options: { readonly sortMembers: boolean }) {
    this.#sink = sink;
    this.#isSorted = options.sortMembers;
  }

  /**
   * Plain data: what JSON has, undefined, bigint, `Date`, `Uint8Array` and `Buffer`. One object in
   * several places stays one object. A record without a prototype becomes one that has it.
   *
   * @returns false when the value holds anything else; what was written is of no use then.
   */
  write(value: unknown): boolean {
    return this.#value(value, 0);
  }

  /** Hands on what is still in the chunk. */
  end(): void {
    this.#flush();
  }

  #value(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return this.#number(TAGS.number, value);
      case "boolean":
        return this.#tag(value ? TAGS.true : TAGS.false);
      case "undefined":
        return this.#tag(TAGS.undefined);
      case "bigint":
        return this.#tag(TAGS.bigint) && this.#text(String(value));
      case "object":
        return value === null ? this.#tag(TAGS.null) : this.#object(value, depth);
      default:
        return false;
    }
  }

  #object(value: object, depth: number): boolean {
    const index = this.#seen.get(value);
    if (index !== undefined) return this.#counted(TAGS.again, index);
    this.#seen.set(value, this.#seen.size);
    if (depth >= DEPTH_MAX) return false;
    if (Array.isArray(value)) return this.#array(value, depth + 1);
    switch (Object.getPrototypeOf(value)) {
      case Object.prototype:
      case null:
        return this.#record(value, depth + 1);
      case Date.prototype:
        return this.#number(TAGS.date, (value as Date).getTime());
      case Uint8Array.prototype:
        return this.#bytes(TAGS.bytes, value as Uint8Array);
      case Buffer.prototype:
        return this.#bytes(TAGS.buffer, value as Uint8Array);
      default:
        return false;
    }
  }

  #array(array: readonly unknown[], depth: number): boolean {
    // A hole, or a member with a name of its own, would be lost.
    if (Object.keys(array).length !== array.length) return false;
    this.#counted(TAGS.array, array.length);
    return array.every((item) => this.#value(item, depth));
  }

  #record(record: object, depth: number): boolean {
    const keys = Object.keys(record);
    // Members that are symbols or not enumerable would be lost.
    if (Reflect.ownKeys(record).length !== keys.length) return false;
    if (this.#isSorted) keys.sort();
    this.#counted(TAGS.record, keys.length);
    return keys.every((key) => this.#text(key) && this.#value(Reflect.get(record, key), depth));
  }

  #text(text: string): boolean {
    if (!text.isWellFormed()) return this.#bytes(TAGS.broken, Buffer.from(text, "utf16le"));
    const bytes = Buffer.byteLength(text);
    if (bytes > U32_MAX) return false;
    this.#counted(TAGS.text, bytes);
    if (text.length > SHORT_LENGTH_MAX) {
      this.#flush();
      this.#sink.takeText(text);
    } else {
      this.#need(bytes);
      this.#used += this.#chunk.write(text, this.#used);
    }
    return true;
  }

  #bytes(tag: number, bytes: Uint8Array): boolean {
    if (bytes.length > U32_MAX) return false;
    this.#counted(tag, bytes.length);
    this.#flush();
    this.#sink.takeBytes(bytes);
    return true;
  }

  #tag(tag: number): true {
    this.#need(1);
    this.#chunk[this.#used++] = tag;
    return true;
  }

  #number(tag: number, value: number): true {
    this.#tag(tag);
    this.#need(8);
    this.#used = this.#chunk.writeDoubleBE(value, this.#used);
    return true;
  }

  #counted(tag: number, count: number): true {
    this.#tag(tag);
    this.#need(4);
    this.#used = this.#chunk.writeUInt32BE(count, this.#used);
    return true;
  }

  #need(bytes: number): void {
    if (this.#used + bytes > CHUNK_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#sink.takeBytes(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }
}
