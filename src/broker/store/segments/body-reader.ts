/** Reads bodies back from the disk, and finds out the ones that are not what was stored. */
import { basename } from "node:path";
import { messageOf } from "../../../core/index.js";
import { StoreErrors } from "../errors.js";
import { type FileLayer, readAll } from "./file-layer.js";
import { signedCrc32 } from "./format/log-record.js";
import type { OpenFiles } from "./open-files.js";
import type { Quarantine } from "./quarantine.js";
import type { Segment, StoredEntry } from "./segment.js";

export interface BodyReaderParts {
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  readonly quarantine: Quarantine;
}

export class BodyReader {
  readonly #parts: BodyReaderParts;

  constructor(parts: BodyReaderParts) {
    this.#parts = parts;
  }

  /** @throws STORE_DAMAGED; STORE_FAILED when the file cannot be opened */
  async read(entry: StoredEntry, segment: Segment): Promise<Buffer> {
    const { openFiles } = this.#parts;
    // Taken here, because the message may move to another segment while this read is under way.
    const { offset } = entry;
    segment.readerCount++;
    let found: { body: Buffer } | { reason: string };
    try {
      found = await openFiles.use(segment.logPath, (fd) => this.#readFrom(fd, entry, offset));
    } catch (error) {
      throw StoreErrors.FAILED({ reason: messageOf(error) }, error);
    } finally {
      segment.endRead();
    }
    if ("body" in found) return found.body;
    const { reason } = found;
    segment.isDamaged = true;
    throw StoreErrors.DAMAGED({ file: basename(segment.logPath), offset, reason });
  }

  async #readFrom(
    fd: number,
    entry: StoredEntry,
    offset: number,
  ): Promise<{ body: Buffer } | { reason: string }> {
    const { files, quarantine } = this.#parts;
    const { headerBytes, bodyBytes, bodyCrc, recordBytes, segment } = entry;
    let reason: string;
    try {
      const memory = Buffer.allocUnsafeSlow(bodyBytes);
      const body = await readAll(files, fd, memory, offset + headerBytes);
      if (body.length === bodyBytes && signedCrc32(body) === bodyCrc) return { body };
      reason = body.length < bodyBytes ? "it ends too early" : "its checksum is wrong";
    } catch (error) {
      reason = messageOf(error);
    }
    const file = basename(segment?.logPath ?? "");
    await quarantine.take(fd, { file, offset, bytes: recordBytes });
    return { reason };
  }
}
