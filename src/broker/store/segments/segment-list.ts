/** The segments of a store in their order, and the making and deleting of their files. */

import { type FileLayer, writeAll } from "./disk/file-layer.js";
import type { OpenFiles } from "./disk/open-files.js";
import { encodeFileHeader, FILE_HEADER_BYTES, FORMAT_VERSION } from "./format/file-header.js";
import { Segment } from "./segment.js";

export interface SegmentListParts {
  readonly directory: string;
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  /** Whether names must be on the disk before a message is called stored. */
  readonly isSynced: boolean;
}

export class SegmentList {
  /** Ascending; the last one is written to. */
  readonly items: Segment[] = [];
  storedBytes = 0;
  readonly #parts: SegmentListParts;

  constructor(parts: SegmentListParts) {
    this.#parts = parts;
  }

  /** The one that is written to. A store that is open always has one. */
  get active(): Segment {
    return this.items.at(-1) as Segment;
  }

  add(segment: Segment): void {
    this.items.push(segment);
    this.storedBytes += segment.storedBytes;
  }

  /** Makes the files of the next segment, which becomes the active one. Leaves nothing if it fails. */
  async create(nextSequence: number): Promise<Segment> {
    const { directory, files, isSynced } = this.#parts;
    const segment = new Segment(directory, (this.items.at(-1)?.number ?? 0) + 1);
    try {
      await this.makeFile(segment, "marks", nextSequence);
      await this.makeFile(segment, "log", nextSequence);
      if (isSynced) await files.flushDirectory(directory);
    } catch (error) {
      await files.unlink(segment.logPath).catch(() => {});
      await files.unlink(segment.marksPath).catch(() => {});
      throw error;
    }
    const previous = this.items.at(-1);
    if (previous !== undefined) previous.isSealed = true;
    segment.logBytes = FILE_HEADER_BYTES;
    segment.marksBytes = FILE_HEADER_BYTES;
    this.add(segment);
    return segment;
  }

  /** A file of the segment with nothing but its header. */
  async makeFile(segment: Segment, kind: "log" | "marks", nextSequence: number): Promise<void> {
    const { files, isSynced } = this.#parts;
    const path = kind === "log" ? segment.logPath : segment.marksPath;
    const header = { version: FORMAT_VERSION, kind, segmentNumber: segment.number, nextSequence };
    const fd = await files.open(path, { isNew: true });
    try {
      await writeAll(files, fd, [encodeFileHeader(header)], 0);
      if (isSynced) await files.flush(fd);
    } finally {
      await files.close(fd);
    }
  }

  /**
   * Deletes both files when the reads that are under way have ended. The log goes first: a log
   * without its sidecar would bring back every message that was ever in it.
   */
  async delete(segment: Segment): Promise<void> {
    const { directory, files, openFiles, isSynced } = this.#parts;
    segment.isGone = true;
    while (segment.readerCount > 0) {
      await new Promise<void>((resolve) => {
        segment.onUnread = resolve;
      });
    }
    this.items.splice(this.items.indexOf(segment), 1);
    this.storedBytes -= segment.storedBytes;
    await openFiles.close(segment.logPath);
    await files.unlink(segment.logPath);
    if (isSynced) await files.flushDirectory(directory);
    await openFiles.close(segment.marksPath);
    await files.unlink(segment.marksPath);
  }
}
