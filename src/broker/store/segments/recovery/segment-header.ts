/** Reads how the files of a segment begin, before anything in the directory is touched. */
import { StoreErrors } from "../../errors.js";
import { type FileLayer, readAll, systemCode, writeAll } from "../disk/file-layer.js";
import { repairBit } from "../format/bit-repair.js";
import {
  decodeFileHeader,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  type FileKind,
  FORMAT_VERSION,
} from "../format/file-header.js";

export interface FoundHeader {
  /** `short`: the file ends before its header does, so there is nothing in it. */
  readonly state: "sound" | "mended" | "damaged" | "short" | "missing";
  /** 0 when it is not known. */
  readonly nextSequence: number;
}

/** @throws STORE_FORMAT_UNKNOWN when the header is sound and of another version */
export async function readSegmentHeader(files: FileLayer, path: string): Promise<FoundHeader> {
  const bytes = await readStart(files, path);
  if (bytes === undefined) return { state: "missing", nextSequence: 0 };
  if (bytes.length < FILE_HEADER_BYTES) return { state: "short", nextSequence: 0 };
  const decode = () => decodeFileHeader(bytes);
  const sound = decode();
  const header = sound ?? repairBit(bytes, [0, FILE_HEADER_BYTES], decode);
  if (header === undefined) return { state: "damaged", nextSequence: 0 };
  if (header.version !== FORMAT_VERSION) {
    const found = header.version;
    throw StoreErrors.FORMAT_UNKNOWN({ file: path, found, known: FORMAT_VERSION });
  }
  const { nextSequence } = header;
  return { state: sound === undefined ? "mended" : "sound", nextSequence };
}

export async function writeSegmentHeader(
  { files, fd }: { files: FileLayer; fd: number },
  kind: FileKind,
  { segmentNumber, nextSequence }: { segmentNumber: number; nextSequence: number },
): Promise<void> {
  const header = { version: FORMAT_VERSION, kind, segmentNumber, nextSequence };
  await writeAll(files, fd, [encodeFileHeader(header)], 0);
}

async function readStart(files: FileLayer, path: string): Promise<Buffer | undefined> {
  let fd: number;
  try {
    fd = await files.open(path, { isNew: false });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  return readAll(files, fd, Buffer.alloc(FILE_HEADER_BYTES), 0).finally(() => files.close(fd));
}
