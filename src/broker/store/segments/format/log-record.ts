/**
 * A message in the log: a header with everything but the body, then the body.
 *
 * ```
 *  0 magic FF 4D 52 FF           24 sequence u64                72 queue name, UTF-8
 *  4 CRC-32 of 8 to header's end 32 stored at, ms, float64         reason bytes: why the job of
 *  8 header bytes u32            40 id, 16 bytes                   this result failed, UTF-8
 * 12 body bytes u32              56 digest, 16 bytes               header's end
 * 16 CRC-32 of the body                                            body
 * 20 kind u8, zero u8, reason bytes u16
 * ```
 *
 * The magic cannot stand inside a body or a queue name: both are UTF-8, in which no byte is FF. So
 * whoever looks for the next whole record behind a damaged one cannot be fooled by a message whose
 * text looks like a record.
 *
 * The checksum is CRC-32 and not CRC-32C: both find every error of up to two bits and every burst of
 * up to 32 in records of these lengths, and CRC-32 is built into Node, at gigabytes a second.
 */
import { crc32 } from "node:zlib";
import type { MessageKind, NewMessage } from "../../entry.js";
import { readSequence, writeSequence } from "./sequence.js";

export const LOG_MAGIC = Buffer.from([0xff, 0x4d, 0x52, 0xff]);
export const LOG_HEADER_BYTES = 72;
/** A header never has more bytes than this. */
export const LOG_HEADER_BYTES_MAX = 65_535;

const MAGIC_WORD = LOG_MAGIC.readUInt32BE(0);
const KINDS: readonly MessageKind[] = ["message", "job", "result"];

export interface LogRecord {
  readonly sequence: number;
  readonly kind: MessageKind;
  readonly storedAtMs: number;
  readonly id: string;
  /** 16 bytes as latin1 text: of a hundred thousand small ones, strings cost less than buffers. */
  readonly digest: string;
  readonly queueName: string;
  readonly failed: string | undefined;
  readonly headerBytes: number;
  readonly bodyBytes: number;
  /** As a signed number, which needs no memory of its own. */
  readonly bodyCrc: number;
}

/** A checksum as a small signed integer, to be compared with another one. */
export function signedCrc32(bytes: Buffer, before = 0): number {
  return crc32(bytes, before) | 0;
}

/**
 * The header of a message's record.
 *
 * @throws TypeError when the id is no UUID, or queue name and reason have more than 65,463 bytes.
 */
export function encodeLogHeader(message: NewMessage, sequence: number, bodyCrc: number): Buffer {
  const { queueName, id, kind, digest, storedAtMs, body, failed = "" } = message;
  const reasonAt = LOG_HEADER_BYTES + Buffer.byteLength(queueName);
  const headerBytes = reasonAt + Buffer.byteLength(failed);
  if (headerBytes > LOG_HEADER_BYTES_MAX) {
    throw new TypeError(`a header of ${headerBytes} bytes is longer than ${LOG_HEADER_BYTES_MAX}`);
  }
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32BE(MAGIC_WORD, 0);
  header.writeUInt32BE(header.length, 8);
  header.writeUInt32BE(body.length, 12);
  header.writeInt32BE(bodyCrc, 16);
  header.writeUInt32BE(KINDS.indexOf(kind) * 2 ** 24 + headerBytes - reasonAt, 20);
  writeSequence(header, sequence, 24);
  header.writeDoubleBE(storedAtMs, 32);
  if (header.write(id.replaceAll("-", ""), 40, "hex") < 16) throw new TypeError("an id is no UUID");
  digest.copy(header, 56, 0, 16);
  header.write(queueName, LOG_HEADER_BYTES);
  header.write(failed, reasonAt);
  header.writeInt32BE(signedCrc32(header.subarray(8)), 4);
  return header;
}

/** The record whose header lies whole and sound at `at`, or undefined. Says nothing of its body. */
export function decodeLogHeader(buffer: Buffer, at: number): LogRecord | undefined {
  if (at + LOG_HEADER_BYTES > buffer.length) return undefined;
  if (buffer.readUInt32BE(at) !== MAGIC_WORD) return undefined;
  const headerBytes = buffer.readUInt32BE(at + 8);
  const nameAt = at + LOG_HEADER_BYTES;
  const end = at + headerBytes;
  if (headerBytes < LOG_HEADER_BYTES || headerBytes > LOG_HEADER_BYTES_MAX) return undefined;
  if (end > buffer.length) return undefined;
  if (signedCrc32(buffer.subarray(at + 8, end)) !== buffer.readInt32BE(at + 4)) return undefined;
  const kind = KINDS[buffer[at + 20] as number];
  const sequence = readSequence(buffer, at + 24);
  const reasonAt = end - buffer.readUInt16BE(at + 22);
  if (kind === undefined || !Number.isSafeInteger(sequence) || reasonAt < nameAt) return undefined;
  return {
    sequence,
    kind,
    storedAtMs: buffer.readDoubleBE(at + 32),
    id: uuidText(buffer, at + 40),
    digest: buffer.toString("latin1", at + 56, nameAt),
    queueName: buffer.toString("utf8", nameAt, reasonAt),
    failed: reasonAt === end ? undefined : buffer.toString("utf8", reasonAt, end),
    headerBytes,
    bodyBytes: buffer.readUInt32BE(at + 12),
    bodyCrc: buffer.readInt32BE(at + 16),
  };
}

const HEX = Buffer.from("0123456789abcdef");
const HYPHEN = 0x2d;
const uuidScratch = Buffer.alloc(36, HYPHEN);

/** Written as bytes first: joined from pieces, a string keeps all its pieces in memory. */
function uuidText(buffer: Buffer, at: number): string {
  let to = 0;
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) to++;
    const byte = buffer[at + index] as number;
    uuidScratch[to++] = HEX[byte >> 4] as number;
    uuidScratch[to++] = HEX[byte & 15] as number;
  }
  return uuidScratch.toString("latin1");
}
