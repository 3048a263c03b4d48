/**
 * Reads values back from the bytes of `value-writer.ts`. The bytes may be anybody's: whatever they
 * are, it ends, takes no more memory than they justify and changes no prototype.
 */
import { DEPTH_MAX, TAGS } from "./value-format.js";

/** The one value that the bytes are, or undefined when they are anything else. */
export function readValue(bytes: Uint8Array): { readonly value: unknown } | undefined {
  const reader = new ValueReader(bytes);
  try {
    const value = reader.read(0);
    return reader.isAtEnd ? { value } : undefined;
  } catch {
    return undefined;
  }
}

class ValueReader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #seen: object[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  read(depth: number): unknown {
    if (depth > DEPTH_MAX) throw new RangeError("nested too deep");
    const tag = this.#bytes.readUInt8(this.#at++);
    switch (tag) {
      case TAGS.undefined:
        return undefined;
      case TAGS.null:
        return null;
      case TAGS.true:
        return true;
      case TAGS.false:
        return false;
      case TAGS.number:
        return this.#number();
      case TAGS.bigint:
        return BigInt(this.#text(depth));
      case TAGS.text:
        return this.#take().toString("utf8");
      case TAGS.broken:
        return this.#take().toString("utf16le");
      default:
        return this.#object(tag, depth + 1);
    }
  }

  #object(tag: number, depth: number): unknown {
    switch (tag) {
      case TAGS.date:
        return this.#remember(new Date(this.#number()));
      // Copies: a view would keep all the bytes in memory.
      case TAGS.bytes:
        return this.#remember(new Uint8Array(this.#take()));
      case TAGS.buffer:
        return this.#remember(Buffer.from(this.#take()));
      case TAGS.array:
        return this.#array(depth);
      case TAGS.record:
        return this.#record(depth);
      case TAGS.again:
        return this.#again();
      default:
        throw new RangeError("no such tag");
    }
  }

  #array(depth: number): unknown[] {
    const array: unknown[] = this.#remember([]);
    for (let left = this.#count(); left > 0; left--) array.push(this.read(depth));
    return array;
  }

  #record(depth: number): object {
    const record: Record<string, unknown> = this.#remember({});
    for (let left = this.#count(); left > 0; left--) {
      const key = this.#text(depth);
      define(record, key, this.read(depth));
    }
    return record;
  }

  #again(): object {
    const object = this.#seen[this.#count()];
    if (object === undefined) throw new RangeError("no such object");
    return object;
  }

  #text(depth: number): string {
    const text = this.read(depth);
    if (typeof text !== "string") throw new TypeError("no text");
    return text;
  }

  #remember<T extends object>(object: T): T {
    this.#seen.push(object);
    return object;
  }

  #number(): number {
    const value = this.#bytes.readDoubleBE(this.#at);
    this.#at += 8;
    return value;
  }

  #count(): number {
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  #take(): Buffer {
    const length = this.#count();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("cut short");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function define(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    // An assignment would set the prototype instead of a member of that name.
    Object.defineProperty(record, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    record[key] = value;
  }
}
