/** Reads one segment back: its messages, then what its marks made of them. Writes nothing. */
import type { FileLayer } from "../disk/file-layer.js";
import { FILE_HEADER_BYTES } from "../format/file-header.js";
import {
  decodeLogHeader,
  LOG_HEADER_BYTES_MAX,
  LOG_MAGIC,
  type LogRecord,
  signedCrc32,
} from "../format/log-record.js";
import { decodeMark, MARK_BYTES_MAX, MARK_MAGIC, type MarkRecord } from "../format/mark-record.js";
import {
  type FileWindow,
  type RecordFormat,
  type Scan,
  type ScannedFile,
  scanRecords,
} from "./scan-records.js";

const LOG_FORMAT: RecordFormat<LogRecord> = {
  magic: LOG_MAGIC,
  decodedBytesMax: LOG_HEADER_BYTES_MAX,
  decode: decodeLogHeader,
  headerBytesOf: ({ headerBytes }) => headerBytes,
  bytesOf: ({ headerBytes, bodyBytes }) => headerBytes + bodyBytes,
};

const MARKS_FORMAT: RecordFormat<MarkRecord> = {
  magic: MARK_MAGIC,
  decodedBytesMax: MARK_BYTES_MAX,
  decode: decodeMark,
  headerBytesOf: ({ bytes }) => bytes,
  bytesOf: ({ bytes }) => bytes,
};

const PIECE_BYTES = 1024 * 1024;

export type VisitMessage = (record: LogRecord, offset: number, isBodySound: boolean) => void;

/**
 * @param isLast whether bodies are checked now: in the segment that was written to when the store
 *   ended, a body may be missing behind a header that is there. Elsewhere a body was flushed long
 *   ago, and is checked when it is read.
 * @returns the scan, whose end is that of the last record whose body is sound.
 */
export async function scanLog(
  file: ScannedFile,
  isLast: boolean,
  visit: VisitMessage,
): Promise<Scan> {
  let soundEnd = FILE_HEADER_BYTES;
  const visitRecord = (record: LogRecord, offset: number, window: FileWindow) => {
    const settle = (isSound: boolean) => {
      visit(record, offset, isSound);
      if (isSound) soundEnd = offset + LOG_FORMAT.bytesOf(record);
    };
    if (!isLast) return settle(true);
    const bodyAt = offset + record.headerBytes;
    const index = window.indexOf(bodyAt, record.bodyBytes);
    if (index < 0) {
      const body = { offset: bodyAt, bytes: record.bodyBytes };
      return checksumOf(file, body).then((crc) => settle(crc === record.bodyCrc));
    }
    const body = window.buffer.subarray(index, index + record.bodyBytes);
    return settle(signedCrc32(body) === record.bodyCrc);
  };
  const scan = await scanRecords(file, {
    start: FILE_HEADER_BYTES,
    format: LOG_FORMAT,
    visit: visitRecord,
  });
  return isLast ? { ...scan, end: soundEnd } : scan;
}

export function scanMarks(file: ScannedFile, visit: (record: MarkRecord) => void): Promise<Scan> {
  return scanRecords(file, { start: FILE_HEADER_BYTES, format: MARKS_FORMAT, visit });
}

/** Checks a body that is larger than what is in memory, a piece at a time. */
async function checksumOf(
  { files, fd }: { files: FileLayer; fd: number },
  { offset, bytes }: { offset: number; bytes: number },
): Promise<number> {
  const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, Math.max(1, bytes)));
  let crc = 0;
  for (let done = 0; done < bytes; ) {
    const rest = piece.subarray(0, Math.min(piece.length, bytes - done));
    const count = await files.read(fd, rest, offset + done);
    if (count === 0) break;
    crc = signedCrc32(rest.subarray(0, count), crc >>> 0);
    done += count;
  }
  return crc;
}
