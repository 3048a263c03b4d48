/**
 * The file of one checkpoint: 64 bytes, then what is kept. All integers are big-endian.
 *
 * ```
 * [magic 8][version u32][zero u32][name 32][bytes u64][their CRC-32 u32][CRC-32 of all before u32]
 * ```
 *
 * The name is that of the file, so that a file which came under another name is not taken for it.
 * There is no flush: after a power cut a file may have its name and not its bytes, and the checksum
 * tells.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { epochSeconds } from "../../core/index.js";

export const HEADER_BYTES = 64;
const VERSION = 1;
const MAGIC = Buffer.from("\xffmillrk\xff", "latin1");
const AT = { version: 8, name: 16, bytes: 48, bodyCrc: 56, headerCrc: 60 } as const;

/** When a file was used last is noted no more often than this, and always within its age. */
const TOUCH_EVERY_MS = 600_000;
const TOUCH_AGE_SHARE = 1 / 4;

/** @param name 64 hexadecimal digits. */
export function encodeHeader(name: string, body: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32BE(VERSION, AT.version);
  header.write(name, AT.name, "hex");
  header.writeBigUInt64BE(BigInt(body.length), AT.bytes);
  header.writeUInt32BE(crc32(body), AT.bodyCrc);
  header.writeUInt32BE(crc32(header.subarray(0, AT.headerCrc)), AT.headerCrc);
  return header;
}

export interface Expected {
  readonly name: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/**
 * What is kept in a file; undefined when there is none or it cannot be read. `unfit` is a file that
 * is too old, or not as it was written, or no file at all: a link is not followed, a pipe not waited
 * for. Never rejects.
 */
export async function readCheckpoint(
  path: string,
  expected: Expected,
): Promise<Uint8Array | "unfit" | undefined> {
  // Windows has neither of the two; there they are undefined.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    return await read(handle, expected);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ELOOP" ? "unfit" : undefined;
  } finally {
    await handle?.close().catch(() => {});
  }
}

async function read(handle: FileHandle, expected: Expected): Promise<Uint8Array | "unfit"> {
  const stats = await handle.stat();
  const nowMs = epochSeconds() * 1000;
  const ageMs = nowMs - stats.mtimeMs;
  const isFit = stats.isFile() && stats.size <= expected.maxBytes && ageMs <= expected.maxAgeMs;
  if (!isFit) return "unfit";
  const body = bodyOf(expected.name, await bytesOf(handle, stats.size));
  if (body === undefined) return "unfit";
  if (ageMs > Math.min(TOUCH_EVERY_MS, expected.maxAgeMs * TOUCH_AGE_SHARE)) {
    await handle.utimes(nowMs / 1000, nowMs / 1000).catch(() => {});
  }
  return body;
}

async function bytesOf(handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function bodyOf(name: string, file: Buffer): Uint8Array | undefined {
  if (file.length < HEADER_BYTES) return undefined;
  const body = file.subarray(HEADER_BYTES);
  return file.subarray(0, HEADER_BYTES).equals(encodeHeader(name, body)) ? body : undefined;
}
