/**
 * Unpacks single entries of a zip archive, counting what really comes out.
 *
 * A header's word on a size is never believed: inflating goes on in small steps and stops at the
 * first byte too many, so a zip bomb costs no more than the limits below.
 */
import { crc32 } from "node:zlib";
import { Inflate } from "fflate";
import { KiB, MiB } from "../../../../core/index.js";
import { ExtractErrors } from "../errors.js";
import { readDirectory, type ZipEntry } from "./zip-directory.js";

export interface ZipLimits {
  /** Most files in one archive. */
  readonly maxEntries: number;
  /** Most bytes that one entry unpacks to. */
  readonly maxEntryBytes: number;
  /** Most bytes that all reads of one archive unpack to; reading twice counts twice. */
  readonly maxTotalBytes: number;
  /** Most unpacked bytes per packed byte, once an entry passed `ratioFreeBytes`. */
  readonly maxRatio: number;
  /** Small entries may be as repetitive as they like. */
  readonly ratioFreeBytes: number;
}

/**
 * Large books have some thousand entries and some ten MiB of XML, which shrinks to a tenth or, where
 * tables repeat themselves, to a hundredth. Deflate itself ends at about 1,030 to 1.
 */
export const ZIP_LIMITS: ZipLimits = {
  maxEntries: 10_000,
  maxEntryBytes: 64 * MiB,
  maxTotalBytes: 256 * MiB,
  maxRatio: 250,
  ratioFreeBytes: 8 * MiB,
};

/** Packed bytes inflated at a time: what passes a limit in one step is at most a thousand times this. */
const STEP_BYTES = 4 * KiB;

export class ZipArchive {
  readonly #entries: Map<string, ZipEntry>;
  readonly #limits: ZipLimits;
  #unpackedBytes = 0;

  /** @throws EXTRACT_OOXML_ARCHIVE_INVALID, …_PROTECTED, …_TOO_LARGE. */
  constructor(archive: Uint8Array, limits: ZipLimits = ZIP_LIMITS) {
    this.#limits = limits;
    this.#entries = readDirectory(archive, limits.maxEntries);
  }

  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase());
  }

  /**
   * The unpacked bytes of an entry, or undefined when there is none of this name.
   *
   * @throws EXTRACT_OOXML_ARCHIVE_INVALID for damaged data, EXTRACT_OOXML_ARCHIVE_TOO_LARGE.
   */
  read(name: string): Uint8Array | undefined {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry === undefined) return undefined;
    const bytes = entry.method === 0 ? this.#count(entry, entry.packed) : this.#inflate(entry);
    if (bytes.length !== entry.claimedBytes || crc32(bytes) !== entry.crc32) {
      const reason = "the data of an entry does not have the length and checksum that it should";
      throw ExtractErrors.ARCHIVE_INVALID({ reason });
    }
    return bytes;
  }

  #inflate(entry: ZipEntry): Uint8Array {
    if (entry.method !== 8) {
      const reason = `an entry is packed by method ${entry.method}; only 0 and 8 are known`;
      throw ExtractErrors.ARCHIVE_INVALID({ reason });
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const inflate = new Inflate((chunk) => {
      bytes += chunk.length;
      this.#count(entry, chunk, bytes);
      chunks.push(chunk);
    });
    try {
      const { packed } = entry;
      for (let at = 0; at === 0 || at < packed.length; at += STEP_BYTES) {
        inflate.push(packed.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= packed.length);
      }
    } catch (error) {
      if (error instanceof Error && "code" in error && typeof error.code === "string") throw error;
      const reason = "the data of an entry is damaged";
      throw ExtractErrors.ARCHIVE_INVALID({ reason }, error);
    }
    return Buffer.concat(chunks, bytes);
  }

  #count(entry: ZipEntry, chunk: Uint8Array, entryBytes = chunk.length): Uint8Array {
    const { maxEntryBytes, maxTotalBytes, maxRatio, ratioFreeBytes } = this.#limits;
    this.#unpackedBytes += chunk.length;
    const over = (what: string, limit: number) => {
      throw ExtractErrors.ARCHIVE_TOO_LARGE({ part: "An entry of the archive", what, limit });
    };
    if (entryBytes > maxEntryBytes) over("bytes when unpacked", maxEntryBytes);
    if (this.#unpackedBytes > maxTotalBytes) {
      const what = "bytes when unpacked";
      throw ExtractErrors.ARCHIVE_TOO_LARGE({ part: "The archive", what, limit: maxTotalBytes });
    }
    if (entryBytes > ratioFreeBytes && entryBytes > entry.packed.length * maxRatio) {
      over("unpacked bytes for each packed one", maxRatio);
    }
    return chunk;
  }
}
