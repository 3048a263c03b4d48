/**
 * The 36 bytes with which a log and its sidecar begin. All integers of the format are big-endian.
 *
 * ```
 * [magic 8][version u32][kind u32][segment u32][zero u32][next sequence u64][CRC-32 u32]
 * ```
 */
import { crc32 } from "node:zlib";
import { readSequence, writeSequence } from "./sequence.js";

/** Rises when an older Millrace could not read what this one writes. */
export const FORMAT_VERSION = 1;
export const FILE_HEADER_BYTES = 36;

export type FileKind = "log" | "marks";
const KINDS: readonly FileKind[] = ["log", "marks"];
const MAGIC = Buffer.from("\xffmillrc\xff", "latin1");

export interface FileHeader {
  readonly version: number;
  readonly kind: FileKind;
  readonly segmentNumber: number;
  /** No message that was stored before the file was made has this sequence or a higher one. */
  readonly nextSequence: number;
}

export function encodeFileHeader({
  version,
  kind,
  segmentNumber,
  nextSequence,
}: FileHeader): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32BE(version, 8);
  bytes.writeUInt32BE(KINDS.indexOf(kind), 12);
  bytes.writeUInt32BE(segmentNumber, 16);
  writeSequence(bytes, nextSequence, 24);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 32)), 32);
  return bytes;
}

/** The header, or undefined when the checksum or the magic is wrong. The version may be any. */
export function decodeFileHeader(bytes: Buffer): FileHeader | undefined {
  if (bytes.length < FILE_HEADER_BYTES) return undefined;
  if (bytes.compare(MAGIC, 0, 8, 0, 8) !== 0) return undefined;
  if (crc32(bytes.subarray(0, 32)) !== bytes.readUInt32BE(32)) return undefined;
  const kind = KINDS[bytes.readUInt32BE(12)];
  if (kind === undefined) return undefined;
  return {
    version: bytes.readUInt32BE(8),
    kind,
    segmentNumber: bytes.readUInt32BE(16),
    nextSequence: readSequence(bytes, 24),
  };
}
