/**
 * Walks through the records of a file, puts single flipped bits in their headers right, and finds the
 * next sound record behind damage. Knows nothing of what the records say, and writes nothing.
 */
import { KiB, MiB } from "../../../../core/index.js";
import { type FileLayer, readAll } from "../disk/file-layer.js";
import { repairBit } from "../format/bit-repair.js";

const WINDOW_BYTES = 4 * MiB;
/** Read where what lay before was not wanted, as behind a large body: the next may be as large. */
const FAR_BYTES = 128 * KiB;
/** So many wrong headers of a file are tried bit by bit; one that has more is not worth the time. */
const REPAIRS_MAX = 64;
/** Of a header, so many bytes are tried bit by bit: a long queue name is not among them. */
const REPAIRED_BYTES_MAX = 512;

export interface ScannedFile {
  readonly files: FileLayer;
  readonly fd: number;
  readonly bytes: number;
}

/** What must be known of a kind of record to find it. */
export interface RecordFormat<T> {
  readonly magic: Buffer;
  /** `decode` never looks at more bytes than this. */
  readonly decodedBytesMax: number;
  decode(buffer: Buffer, at: number): T | undefined;
  /** Bytes that `decode` looked at. */
  headerBytesOf(record: T): number;
  /** Bytes from one record to the next. */
  bytesOf(record: T): number;
}

/** A part of a file, in memory. */
export class FileWindow {
  readonly file: ScannedFile;
  buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  readonly #memory: Buffer;

  constructor(file: ScannedFile) {
    this.file = file;
    this.#memory = Buffer.allocUnsafeSlow(Math.max(1, Math.min(WINDOW_BYTES, file.bytes)));
  }

  /** Where in `buffer` the byte at `offset` is, when so many or all that follow are there; else -1. */
  indexOf(offset: number, bytes: number): number {
    const index = offset - this.#start;
    const end = Math.min(offset + bytes, this.file.bytes);
    return index >= 0 && end - this.#start <= this.buffer.length ? index : -1;
  }

  async moveTo(offset: number): Promise<void> {
    const { files, fd } = this.file;
    const isFar = offset > this.#start + this.buffer.length;
    const memory = isFar ? this.#memory.subarray(0, FAR_BYTES) : this.#memory;
    this.#start = offset;
    this.buffer = await readAll(files, fd, memory, offset);
  }
}

export interface Place {
  readonly offset: number;
  readonly bytes: number;
}

export interface Scan {
  /** Where the last sound record ends. What is behind it is no record and has none behind it. */
  readonly end: number;
  /** What lies between sound records and is none. */
  readonly damaged: readonly Place[];
  /** Headers that had one bit wrong, as they should be. */
  readonly mended: readonly { readonly offset: number; readonly header: Buffer }[];
}

type Visit<T> = (record: T, offset: number, window: FileWindow) => void | Promise<void>;

/** Gives every sound record from `start` on to `visit`, in the order of the file. */
export async function scanRecords<T>(
  file: ScannedFile,
  { start, format, visit }: { start: number; format: RecordFormat<T>; visit: Visit<T> },
): Promise<Scan> {
  const window = new FileWindow(file);
  const damaged: Place[] = [];
  const mended: { offset: number; header: Buffer }[] = [];
  let end = start;
  for (let at = start; at < file.bytes; ) {
    let index = window.indexOf(at, format.decodedBytesMax);
    if (index < 0) {
      await window.moveTo(at);
      index = 0;
    }
    const { buffer } = window;
    const fits = () => {
      const record = format.decode(buffer, index);
      return record && at + format.bytesOf(record) <= file.bytes ? record : undefined;
    };
    let record = fits();
    if (record === undefined && mended.length < REPAIRS_MAX && at === end) {
      record = repairBit(buffer, [index, REPAIRED_BYTES_MAX], fits);
      if (record !== undefined) {
        const headerEnd = index + format.headerBytesOf(record);
        mended.push({ offset: at, header: Buffer.from(buffer.subarray(index, headerEnd)) });
      }
    }
    if (record === undefined) {
      at = await nextMagic(window, at + 1, format.magic);
      continue;
    }
    if (at > end) damaged.push({ offset: end, bytes: at - end });
    const visited = visit(record, at, window);
    if (visited !== undefined) await visited;
    at += format.bytesOf(record);
    end = at;
  }
  return { end, damaged, mended };
}

/** The next place at or after `from` that begins like a record, or the end of the file. */
async function nextMagic(window: FileWindow, from: number, magic: Buffer): Promise<number> {
  const { bytes } = window.file;
  let at = from;
  while (at + magic.length <= bytes) {
    let index = window.indexOf(at, magic.length);
    if (index < 0) {
      await window.moveTo(at);
      index = 0;
    }
    const found = window.buffer.indexOf(magic, index);
    if (found >= 0) return at + found - index;
    at += Math.max(1, window.buffer.length - index - magic.length + 1);
  }
  return bytes;
}
