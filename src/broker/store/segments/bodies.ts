/**
 * Bodies: some in memory, the others read back from the disk and checked. Who is there first stays in
 * memory and nothing is pushed out: of a backlog that does not fit, the youngest are wanted last.
 */
import { basename } from "node:path";
import { messageOf } from "../../../core/index.js";
import { StoreErrors } from "../errors.js";
import { type FileLayer, readAll } from "./disk/file-layer.js";
import type { OpenFiles } from "./disk/open-files.js";
import { signedCrc32 } from "./format/log-record.js";
import type { Quarantine } from "./quarantine.js";
import type { Segment, StoredEntry } from "./segment.js";

export interface BodiesParts {
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  readonly quarantine: Quarantine;
  readonly maxCachedBytes: number;
}

export class Bodies {
  cachedBytes = 0;
  readonly #parts: BodiesParts;

  constructor(parts: BodiesParts) {
    this.#parts = parts;
  }

  /** Keeps the body in memory if there is room. */
  keep(entry: StoredEntry, body: Buffer): void {
    if (this.cachedBytes + body.length > this.#parts.maxCachedBytes) return;
    entry.body = body;
    this.cachedBytes += body.length;
  }

  forget(entry: StoredEntry): void {
    if (entry.body === undefined) return;
    this.cachedBytes -= entry.body.length;
    entry.body = undefined;
  }

  /** @throws STORE_DAMAGED; STORE_FAILED when the file cannot be opened */
  async read(entry: StoredEntry, segment: Segment): Promise<Buffer> {
    const { openFiles } = this.#parts;
    // Taken here, because the message may move to another segment while this read is under way.
    const { offset } = entry;
    const file = basename(segment.logPath);
    segment.readerCount++;
    let found: { body: Buffer } | { reason: string };
    try {
      found = await openFiles.use(segment.logPath, (fd) =>
        this.#readFrom(fd, entry, { file, offset }),
      );
    } catch (error) {
      throw StoreErrors.FAILED({ reason: messageOf(error) }, error);
    } finally {
      segment.endRead();
    }
    if ("body" in found) return found.body;
    segment.isDamaged = true;
    throw StoreErrors.DAMAGED({ file, offset, reason: found.reason });
  }

  async #readFrom(
    fd: number,
    entry: StoredEntry,
    { file, offset }: { file: string; offset: number },
  ): Promise<{ body: Buffer } | { reason: string }> {
    const { files, quarantine } = this.#parts;
    const { headerBytes, bodyBytes, bodyCrc, recordBytes } = entry;
    let reason: string;
    try {
      const memory = Buffer.allocUnsafeSlow(bodyBytes);
      const body = await readAll(files, fd, memory, offset + headerBytes);
      if (body.length === bodyBytes && signedCrc32(body) === bodyCrc) return { body };
      reason = body.length < bodyBytes ? "it ends too early" : "its checksum is wrong";
    } catch (error) {
      reason = messageOf(error);
    }
    await quarantine.take(fd, { file, offset, bytes: recordBytes });
    return { reason };
  }
}
