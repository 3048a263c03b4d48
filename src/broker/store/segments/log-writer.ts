/**
 * Group commit: what arrives while the disk is busy is written together, with one write and, where
 * the durability asks for it, one flush. So a flush that takes a millisecond bounds the latency of a
 * push, and not the number of pushes in a second.
 */
import { KiB, MiB, type MillraceError } from "../../../core/index.js";
import { StoreErrors } from "../errors.js";
import { type FileLayer, isOutOfRoom, writeAll } from "./disk/file-layer.js";
import type { Flusher } from "./disk/flusher.js";
import type { OpenFiles } from "./disk/open-files.js";
import { FILE_HEADER_BYTES } from "./format/file-header.js";
import type { Segment } from "./segment.js";
import type { SegmentList } from "./segment-list.js";

const BATCH_BYTES_MAX = 8 * MiB;
const BATCH_RECORDS_MAX = 512;
/** Bodies up to this are copied together; one system call with few parts beats the copying. */
const COPIED_BYTES_MAX = 64 * KiB;
const SLAB_BYTES = MiB;

export interface LogWriterParts {
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  readonly segments: SegmentList;
  readonly flusher: Flusher;
  readonly isSynced: boolean;
  readonly segmentBytes: number;
  /** A sequence above all that were given to records so far. */
  readonly nextSequence: () => number;
  readonly onWritten: (bytes: number) => void;
  /** The record will never be stored. */
  readonly onLost: (target: PendingRecord["target"]) => unknown;
  /** There was no room for so many bytes. */
  readonly onFull: (bytes: number) => void;
  /** A segment was sealed, and another one is active. */
  readonly onSealed: (segment: Segment) => Promise<void>;
}

/** A record on its way into the log. */
export interface PendingRecord {
  readonly header: Buffer;
  readonly body: Buffer;
  /** Told where the record lies, before its promise resolves. */
  readonly target: { place(segment: Segment, offset: number): void };
}

/** Records that are written together, and share one promise. */
class Batch {
  readonly records: PendingRecord[] = [];
  readonly stored: Promise<void>;
  bytes = 0;
  copiedBytes = 0;
  resolve!: () => void;
  reject!: (error: MillraceError) => void;

  constructor() {
    this.stored = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever appended looks at the promise; if nobody does, a full disk must not end the process.
    this.stored.catch(() => {});
  }

  add(record: PendingRecord): void {
    const { header, body } = record;
    this.records.push(record);
    this.bytes += header.length + body.length;
    this.copiedBytes += header.length + (body.length > COPIED_BYTES_MAX ? 0 : body.length);
  }
}

export class LogWriter {
  /** Bytes that were taken and are not written yet. */
  pendingBytes = 0;
  readonly #parts: LogWriterParts;
  readonly #batches: Batch[] = [];
  readonly #batchBytesMax: number;
  readonly #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #wantsRotation = false;
  #running: Promise<void> | undefined;

  constructor(parts: LogWriterParts) {
    this.#parts = parts;
    this.#batchBytesMax = Math.min(BATCH_BYTES_MAX, parts.segmentBytes);
  }

  /** @returns as `Appended.stored`. */
  append(record: PendingRecord): Promise<void> {
    const bytes = record.header.length + record.body.length;
    let batch = this.#batches.at(-1);
    if (
      batch === undefined ||
      batch.records.length >= BATCH_RECORDS_MAX ||
      batch.bytes + bytes > this.#batchBytesMax
    ) {
      batch = new Batch();
      this.#batches.push(batch);
    }
    batch.add(record);
    this.pendingBytes += bytes;
    this.#wake();
    return batch.stored;
  }

  /** Seals the active segment as soon as nothing is being written to it. */
  rotate(): void {
    this.#wantsRotation = true;
    this.#wake();
  }

  /** Resolves when nothing is left to write. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #wake(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#batches.length > 0 || this.#wantsRotation) {
      // What else this turn of the event loop has to append comes into the same batch.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#batches.shift() ?? new Batch();
      try {
        const segment = await this.#write(batch);
        this.#settle(batch, segment);
      } catch (error) {
        for (const { target } of batch.records) this.#parts.onLost(target);
        batch.reject(this.#failureOf(error, batch));
      }
      this.pendingBytes -= batch.bytes;
    }
    this.#running = undefined;
  }

  async #write(batch: Batch): Promise<Segment> {
    const { flusher, openFiles, files, isSynced } = this.#parts;
    if (flusher.failure !== undefined) throw flusher.failure;
    const segment = await this.#segmentFor(batch);
    if (batch.records.length === 0) return segment;
    await openFiles.use(segment.logPath, async (fd) => {
      try {
        await writeAll(files, fd, this.#gather(batch), segment.logBytes);
        if (isSynced) await flusher.flush(fd);
      } catch (error) {
        await this.#cutBack(fd, segment, error);
        throw error;
      }
    });
    return segment;
  }

  async #segmentFor(batch: Batch): Promise<Segment> {
    const { segments, segmentBytes, nextSequence, onSealed } = this.#parts;
    const { active } = segments;
    const isOutgrown = active.logBytes + batch.bytes > segmentBytes;
    const wantsRotation = this.#wantsRotation || active.marksBytes > segmentBytes;
    this.#wantsRotation = false;
    if (active.logBytes <= FILE_HEADER_BYTES || !(isOutgrown || wantsRotation)) return active;
    const next = await segments.create(nextSequence());
    await onSealed(active);
    return next;
  }

  /** The parts of one write: small records side by side in one piece, large bodies as they are. */
  #gather(batch: Batch): Buffer[] {
    const { copiedBytes } = batch;
    const slab = copiedBytes <= SLAB_BYTES ? this.#slab : Buffer.allocUnsafeSlow(copiedBytes);
    const parts: Buffer[] = [];
    let from = 0;
    let at = 0;
    for (const { header, body } of batch.records) {
      at += header.copy(slab, at);
      if (body.length <= COPIED_BYTES_MAX) {
        at += body.copy(slab, at);
      } else {
        parts.push(slab.subarray(from, at), body);
        from = at;
      }
    }
    if (at > from) parts.push(slab.subarray(from, at));
    return parts;
  }

  #settle(batch: Batch, segment: Segment): void {
    let offset = segment.logBytes;
    segment.logBytes += batch.bytes;
    this.#parts.segments.storedBytes += batch.bytes;
    for (const { header, body, target } of batch.records) {
      target.place(segment, offset);
      offset += header.length + body.length;
    }
    this.#parts.onWritten(batch.bytes);
    batch.resolve();
  }

  /** Takes away what a failed write left, so that nothing of it comes back at the next start. */
  async #cutBack(fd: number, segment: Segment, cause: unknown): Promise<void> {
    try {
      await this.#parts.files.truncate(fd, segment.logBytes);
    } catch {
      this.#parts.flusher.fail(cause);
    }
  }

  #failureOf(error: unknown, batch: Batch): MillraceError {
    const { flusher, onFull } = this.#parts;
    if (flusher.failure !== undefined) return flusher.failure;
    if (!isOutOfRoom(error)) return flusher.fail(error);
    onFull(batch.bytes);
    return StoreErrors.FULL({ reason: (error as Error).message }, error);
  }
}
