/**
 * Reads the central directory of a zip archive: what is in it and where, nothing unpacked yet.
 *
 * The directory is written by whoever made the file, so every number in it is checked against the
 * bytes that are really there: offsets, lengths, overlaps. Names are keys of a map and never paths.
 * Knows nothing of Office files.
 */
import { ExtractErrors } from "../errors.js";

/** One file of the archive. Sizes are claims of the directory until the data was unpacked. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated; others cannot be unpacked. */
  readonly method: number;
  readonly crc32: number;
  readonly claimedBytes: number;
  /** The packed data, a view on the archive. */
  readonly packed: Uint8Array;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
/** The end record may be followed by a comment of at most this many bytes. */
const COMMENT_BYTES_MAX = 65_535;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ENCRYPTED_FLAG = 0x1;
const UNKNOWN_32 = 0xffff_ffff;
const UNKNOWN_16 = 0xffff;
const UNIX_TYPE_MASK = 0o170000;
const UNIX_SYMLINK = 0o120000;
const OLE_SIGNATURE = 0xe011cfd0;

/**
 * The entries by name in lower case, because names of parts ignore case.
 *
 * @throws EXTRACT_OOXML_ARCHIVE_INVALID, …_PROTECTED, …_TOO_LARGE (above `maxEntries`).
 */
export function readDirectory(archive: Uint8Array, maxEntries: number): Map<string, ZipEntry> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  if (archive.length >= 4 && view.getUint32(0, true) === OLE_SIGNATURE) {
    const reason = "it is protected by a password, or of a format before 2007";
    throw ExtractErrors.ARCHIVE_PROTECTED({ reason });
  }
  const { count, start, end, shift } = findDirectory(view);
  if (count > maxEntries) {
    const what = "entries";
    throw ExtractErrors.ARCHIVE_TOO_LARGE({ part: "The archive", what, limit: maxEntries });
  }
  const entries = new Map<string, ZipEntry>();
  const ranges: [number, number][] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw invalid(`entry ${index} of its directory is missing`);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > end) throw invalid(`entry ${index} of its directory is cut short`);
    const entry = readEntry(archive, view, { at, nameBytes, extraBytes, shift, start });
    const key = entry.name.toLowerCase();
    if (entries.has(key)) throw invalid("two of its entries have the same name");
    entries.set(key, entry);
    const from = entry.packed.byteOffset - archive.byteOffset;
    if (entry.packed.length > 0) ranges.push([from, from + entry.packed.length]);
    at = next;
  }
  refuseOverlaps(ranges);
  return entries;
}

interface Directory {
  readonly count: number;
  readonly start: number;
  readonly end: number;
  /** Bytes that stand before the archive proper; all offsets in it are this much too small. */
  readonly shift: number;
}

function findDirectory(view: DataView): Directory {
  const lowest = Math.max(0, view.byteLength - END_BYTES - COMMENT_BYTES_MAX);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    const count = view.getUint16(at + 10, true);
    const bytes = view.getUint32(at + 12, true);
    const offset = view.getUint32(at + 16, true);
    const hasLocator = at >= 20 && view.getUint32(at - 20, true) === ZIP64_LOCATOR_SIGNATURE;
    if (hasLocator && (count === UNKNOWN_16 || bytes === UNKNOWN_32 || offset === UNKNOWN_32)) {
      return findWideDirectory(view, at - 20);
    }
    const start = at - bytes;
    if (start < 0 || start < offset) throw invalid("its directory is not where it should be");
    return { count, start, end: at, shift: start - offset };
  }
  throw invalid("it has no end record, so it was cut short or is no zip archive");
}

/** The directory of an archive in the zip64 form, which some programs write for small files too. */
function findWideDirectory(view: DataView, locatorAt: number): Directory {
  const at = wide(view, locatorAt + 8);
  if (at + 56 > locatorAt || view.getUint32(at, true) !== ZIP64_END_SIGNATURE) {
    throw invalid("its zip64 end record is missing");
  }
  const count = wide(view, at + 32);
  const bytes = wide(view, at + 40);
  const start = wide(view, at + 48);
  if (start + bytes > at) throw invalid("its directory is not where it should be");
  return { count, start, end: start + bytes, shift: 0 };
}

interface EntryPlace {
  readonly at: number;
  readonly nameBytes: number;
  readonly extraBytes: number;
  readonly shift: number;
  /** Where the directory begins, so where the data of the last entry must have ended. */
  readonly start: number;
}

function readEntry(archive: Uint8Array, view: DataView, place: EntryPlace): ZipEntry {
  const { at, nameBytes, extraBytes, shift, start } = place;
  const nameAt = at + ENTRY_BYTES;
  const name = new TextDecoder().decode(archive.subarray(nameAt, nameAt + nameBytes));
  refuseName(name);
  const madeByUnix = view.getUint8(at + 5) === 3;
  if (madeByUnix && (view.getUint16(at + 40, true) & UNIX_TYPE_MASK) === UNIX_SYMLINK) {
    throw invalid("an entry is a symbolic link");
  }
  if ((view.getUint16(at + 8, true) & ENCRYPTED_FLAG) !== 0) {
    throw ExtractErrors.ARCHIVE_PROTECTED({ reason: "its entries are encrypted" });
  }
  const sizes = readSizes(view, at, { from: nameAt + nameBytes, bytes: extraBytes });
  const localAt = sizes.offset + shift;
  if (localAt + LOCAL_BYTES > start || view.getUint32(localAt, true) !== LOCAL_SIGNATURE) {
    throw invalid("an entry points outside of the archive");
  }
  const dataAt =
    localAt + LOCAL_BYTES + view.getUint16(localAt + 26, true) + view.getUint16(localAt + 28, true);
  if (dataAt + sizes.packed > start) throw invalid("the data of an entry is cut short");
  return {
    name,
    method: view.getUint16(at + 10, true),
    crc32: view.getUint32(at + 16, true),
    claimedBytes: sizes.claimed,
    packed: archive.subarray(dataAt, dataAt + sizes.packed),
  };
}

/** Sizes and place of an entry; what does not fit 32 bits stands in the extra field of kind 1. */
function readSizes(view: DataView, at: number, extra: { from: number; bytes: number }) {
  const sizes = {
    packed: view.getUint32(at + 20, true),
    claimed: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
  };
  const end = extra.from + extra.bytes;
  for (let field = extra.from; field + 4 <= end; ) {
    const fieldEnd = field + 4 + view.getUint16(field + 2, true);
    if (view.getUint16(field, true) === 1 && fieldEnd <= end) {
      let value = field + 4;
      for (const key of ["claimed", "packed", "offset"] as const) {
        if (sizes[key] !== UNKNOWN_32 || value + 8 > fieldEnd) continue;
        sizes[key] = wide(view, value);
        value += 8;
      }
    }
    field = fieldEnd;
  }
  return sizes;
}

/** A 64 bit number. One that no file can have becomes 2^53, which every later check refuses. */
function wide(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** Names are not used as paths here; one that would climb out elsewhere is a sign of an attack. */
function refuseName(name: string): void {
  const climbs = name.split(/[\\/]/).includes("..");
  if (climbs || /^[\\/]/.test(name) || /^[A-Za-z]:/.test(name) || name.includes("\0")) {
    throw invalid("the name of an entry leads out of the archive");
  }
}

/** Entries that share their data are how small archives unpack to terabytes. */
function refuseOverlaps(ranges: [number, number][]): void {
  ranges.sort((a, b) => a[0] - b[0]);
  let endBefore = 0;
  for (const [from, to] of ranges) {
    if (from < endBefore) throw invalid("the data of two entries overlaps");
    endBefore = to;
  }
}

function invalid(reason: string) {
  return ExtractErrors.ARCHIVE_INVALID({ reason });
}
