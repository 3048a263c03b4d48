/**
 * Writes marks into the sidecars: those of one turn of the event loop together, one write a segment,
 * without a flush, because a mark that a power cut takes only lets something happen twice.
 *
 * When a mark cannot be written, its promise resolves all the same and the store remembers whose
 * marks are missing. It then writes how these messages stand as a whole, so that what waits is
 * bounded by the number of messages, however long the disk is full.
 */
import type { Logger } from "../../../core/index.js";
import { type FileLayer, systemCode, writeAll } from "./disk/file-layer.js";
import type { Flusher } from "./disk/flusher.js";
import type { OpenFiles } from "./disk/open-files.js";
import { encodeMark, type StoredMark } from "./format/mark-record.js";
import type { Segment, StoredEntry } from "./segment.js";
import type { SegmentList } from "./segment-list.js";

const RETRY_MS = 500;
const WRITTEN = Promise.resolve();

export interface MarkWriterParts {
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  readonly segments: SegmentList;
  readonly flusher: Flusher;
  readonly logger: Logger;
  /** The sidecar has so many bytes now. */
  readonly onWritten: (segment: Segment) => void;
}

interface Pending {
  readonly entries: StoredEntry[];
  readonly marks: Buffer[];
}

/** The marks of one turn, with one promise for all of them. */
class Round {
  readonly pending = new Map<Segment, Pending>();
  readonly written: Promise<void>;
  resolve!: () => void;

  constructor() {
    this.written = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

export class MarkWriter {
  readonly #parts: MarkWriterParts;
  /** What gathers for the next write. */
  #round: Round | undefined;
  #running: Promise<void> | undefined;
  /** Messages of which marks could not be written. */
  readonly #missing = new Map<Segment, Set<StoredEntry>>();
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(parts: MarkWriterParts) {
    this.#parts = parts;
  }

  /** @returns as `MessageStore.mark`. */
  write(entry: StoredEntry, mark: StoredMark): Promise<void> {
    const { segment } = entry;
    if (segment === undefined || segment.isGone) return WRITTEN;
    const missing = this.#missing.get(segment);
    if (missing !== undefined) {
      missing.add(entry);
      return WRITTEN;
    }
    this.#round ??= new Round();
    let pending = this.#round.pending.get(segment);
    if (pending === undefined) {
      pending = { entries: [], marks: [] };
      this.#round.pending.set(segment, pending);
    }
    pending.entries.push(entry);
    pending.marks.push(encodeMark(entry.sequence, mark));
    this.#running ??= this.#run();
    return this.#round.written;
  }

  /** Whether the system has every mark there was, when it has tried again what had failed. */
  async drain(): Promise<boolean> {
    while (this.#running !== undefined) await this.#running;
    if (this.#missing.size > 0) {
      this.#running = this.#writeMissing();
      await this.#running;
    }
    return this.#missing.size === 0;
  }

  /** Whether the disk has every mark there was when this was called. */
  async flush(): Promise<boolean> {
    const isWritten = await this.drain();
    for (const segment of [...this.#parts.segments.items]) {
      if (segment.isMarksDirty && !(await this.flushSidecar(segment))) return false;
    }
    return isWritten;
  }

  /** Whether the disk has what was written to the sidecar. */
  async flushSidecar(segment: Segment): Promise<boolean> {
    const { openFiles, flusher } = this.#parts;
    segment.isMarksDirty = false;
    try {
      await openFiles.use(segment.marksPath, (fd) => flusher.flush(fd));
      return true;
    } catch {
      segment.isMarksDirty = true;
      return segment.isGone;
    }
  }

  /** How many messages have marks that are not written; ends the attempts. */
  close(): number {
    clearTimeout(this.#retryTimer);
    let count = 0;
    for (const entries of this.#missing.values()) count += entries.size;
    return count;
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#round !== undefined) {
      const round = this.#round;
      this.#round = undefined;
      for (const [segment, { entries, marks }] of round.pending) {
        if (this.#missing.has(segment) || !(await this.#append(segment, marks))) {
          this.#miss(segment, entries);
        }
      }
      round.resolve();
    }
    this.#running = undefined;
  }

  async #append(segment: Segment, marks: readonly Buffer[]): Promise<boolean> {
    if (segment.isGone) return true;
    const { files, openFiles, segments, logger, onWritten } = this.#parts;
    const bytes = Buffer.concat(marks);
    try {
      await openFiles.use(segment.marksPath, (fd) =>
        writeAll(files, fd, [bytes], segment.marksBytes),
      );
    } catch (error) {
      if (segment.isGone) return true;
      const details = { segment: segment.number, code: systemCode(error) };
      logger.warn(details, "marks cannot be written now");
      return false;
    }
    segment.marksBytes += bytes.length;
    segment.isMarksDirty = true;
    if (!segment.isGone) segments.storedBytes += bytes.length;
    onWritten(segment);
    return true;
  }

  #miss(segment: Segment, entries: Iterable<StoredEntry>): void {
    if (segment.isGone) return;
    const missing = this.#missing.get(segment) ?? new Set();
    for (const entry of entries) missing.add(entry);
    this.#missing.set(segment, missing);
    this.#retryTimer ??= setTimeout(() => this.#retry(), RETRY_MS).unref();
  }

  #retry(): void {
    this.#retryTimer = undefined;
    void this.drain();
  }

  /** A failed write may have left a part of itself, which must not be taken for marks later. */
  async #writeMissing(): Promise<void> {
    const { files, openFiles } = this.#parts;
    for (const segment of [...this.#missing.keys()]) {
      const entries = this.#missing.get(segment) as Set<StoredEntry>;
      this.#missing.set(segment, new Set());
      const marks = [...entries]
        .filter((entry) => entry.segment === segment)
        .map((entry) => encodeMark(entry.sequence, { kind: "state", state: entry.state }));
      const isCut = await openFiles
        .use(segment.marksPath, (fd) => files.truncate(fd, segment.marksBytes))
        .then(() => true)
        .catch(() => segment.isGone);
      if (!isCut || !(await this.#append(segment, marks))) this.#miss(segment, entries);
      else if (this.#missing.get(segment)?.size === 0) this.#missing.delete(segment);
    }
    this.#running = undefined;
    if (this.#missing.size > 0)
      this.#retryTimer ??= setTimeout(() => this.#retry(), RETRY_MS).unref();
    if (this.#round !== undefined) this.#running = this.#run();
  }
}
