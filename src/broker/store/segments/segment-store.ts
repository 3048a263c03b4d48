/**
 * Keeps messages in files, so that what was called stored outlives the process and, with durability
 * `fsync`, a power cut.
 *
 * ```
 * store.json, store.json.copy   format and secret
 * owner                         who has it open
 * 00000001.log                  messages, one behind the other; never changed, only added to
 * 00000001.marks                what happened to the messages of that log
 * quarantine/                   what was found damaged
 * ```
 *
 * A log that has grown to its size is sealed and the next one begun. When every message of a log is
 * over, log and marks are deleted together; nothing in one segment refers to another.
 */
import { resolve } from "node:path";
import { type Logger, MillraceError, messageOf, silentLogger } from "../../../core/index.js";
import type { Entry, Mark, NewMessage } from "../entry.js";
import { applyMark } from "../entry.js";
import { StoreErrors } from "../errors.js";
import type { Appended, MessageStore, Recovered, StoreStats } from "../message-store.js";
import { Bodies } from "./bodies.js";
import { Cleaner } from "./cleaner.js";
import { DiskSpace } from "./disk/disk-space.js";
import { type FileLayer, realFiles } from "./disk/file-layer.js";
import { Flusher } from "./disk/flusher.js";
import { OpenFiles } from "./disk/open-files.js";
import { encodeLogHeader, LOG_HEADER_BYTES, signedCrc32 } from "./format/log-record.js";
import { LogWriter } from "./log-writer.js";
import { MarkWriter } from "./mark-writer.js";
import { Ownership } from "./owner.js";
import { Quarantine } from "./quarantine.js";
import { Mender } from "./recovery/mender.js";
import { recoverSegments } from "./recovery/recover-segments.js";
import { type Segment, StoredEntry } from "./segment.js";
import { SegmentList } from "./segment-list.js";
import { StoreFile } from "./store-file.js";

export interface SegmentStoreConfig {
  readonly dataDir: string;
  readonly durability: "fsync" | "os";
  /** Most bytes that logs and marks may have together. */
  readonly maxStoredBytes: number;
  /** What shall stay free on the file system. */
  readonly minFreeBytes: number;
  /** Most bytes of bodies that are kept in memory besides. */
  readonly maxCachedBytes: number;
  /** A log that would grow beyond this is sealed. One message may be larger. */
  readonly segmentBytes: number;
}

export interface SegmentStoreDependencies {
  readonly logger?: Logger;
  readonly files?: FileLayer;
}

/** What is not urgent may fill this share of the store; the rest is for results. */
const COMMON_SHARE = 0.9;
/** Of a record, what is not known before it is there: its queue's name. */
const NAME_BYTES = 256;

export class SegmentStore implements MessageStore {
  readonly durability: "fsync" | "os";
  readonly keepsBodies = false;
  readonly failed: Promise<MillraceError>;
  readonly #config: SegmentStoreConfig;
  readonly #directory: string;
  readonly #files: FileLayer;
  readonly #logger: Logger;
  readonly #isSynced: boolean;
  readonly #openFiles: OpenFiles;
  readonly #flusher: Flusher;
  readonly #segments: SegmentList;
  readonly #quarantine: Quarantine;
  readonly #mender: Mender;
  readonly #owner: Ownership;
  readonly #storeFile: StoreFile;
  readonly #space: DiskSpace;
  readonly #log: LogWriter;
  readonly #marks: MarkWriter;
  readonly #bodies: Bodies;
  readonly #cleaner: Cleaner;
  #nextSequence = 0;
  #isOpen = false;
  #closing: Promise<void> | undefined;

  constructor(config: SegmentStoreConfig, dependencies: SegmentStoreDependencies = {}) {
    const { files = realFiles, logger = silentLogger } = dependencies;
    const { durability, segmentBytes, minFreeBytes, maxCachedBytes } = config;
    const directory = resolve(config.dataDir);
    const isSynced = durability === "fsync";
    const openFiles = new OpenFiles(files);
    const flusher = new Flusher(files);
    const segments = new SegmentList({ directory, files, openFiles, isSynced });
    const quarantine = new Quarantine(files, directory, logger);
    const space = new DiskSpace(files, directory, minFreeBytes);
    const common = { files, openFiles, segments, flusher, logger, isSynced, segmentBytes };
    const marks = new MarkWriter({ ...common, onWritten: (segment) => this.#marked(segment) });
    const log = new LogWriter({
      ...common,
      nextSequence: () => this.#nextSequence,
      onWritten: (bytes) => space.written(bytes),
      onLost: (target) => target instanceof StoredEntry && this.forgetBody(target),
      onFull: (bytes) => this.#full(bytes),
      onSealed: (segment) => this.#sealed(segment),
    });
    this.durability = durability;
    this.failed = flusher.failed;
    this.#config = config;
    this.#directory = directory;
    this.#files = files;
    this.#logger = logger;
    this.#isSynced = isSynced;
    this.#openFiles = openFiles;
    this.#flusher = flusher;
    this.#segments = segments;
    this.#quarantine = quarantine;
    this.#mender = new Mender(files, quarantine, logger);
    this.#owner = new Ownership(files, directory);
    this.#storeFile = new StoreFile({ directory, files, quarantine });
    this.#space = space;
    this.#log = log;
    this.#marks = marks;
    this.#bodies = new Bodies({ files, openFiles, quarantine, maxCachedBytes });
    this.#cleaner = new Cleaner({ ...common, log, marks });
  }

  async open(): Promise<Recovered> {
    try {
      const realPath = await this.#files.makeDirectory(this.#directory);
      await this.#storeFile.read();
      await this.#owner.acquire(realPath);
      try {
        return await this.#recover();
      } catch (error) {
        await this.#openFiles.closeAll();
        await this.#owner.release();
        throw error;
      }
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      const details = { dataDir: this.#directory, reason: messageOf(error) };
      throw StoreErrors.UNUSABLE(details, error);
    }
  }

  hasRoom(bodyBytes: number, isUrgent: boolean): boolean {
    if (this.#flusher.failure !== undefined || !this.#isOpen) return false;
    const bytes = LOG_HEADER_BYTES + NAME_BYTES + bodyBytes + this.#log.pendingBytes;
    const maxBytes = this.#config.maxStoredBytes * (isUrgent ? 1 : COMMON_SHARE);
    if (this.#segments.storedBytes + bytes > maxBytes) {
      this.#cleaner.press();
      return false;
    }
    return this.#space.hasRoom(bytes);
  }

  append(message: NewMessage): Appended {
    const { body } = message;
    const sequence = this.#nextSequence++;
    const bodyCrc = signedCrc32(body);
    const header = encodeLogHeader(message, sequence, bodyCrc);
    const shape = { headerBytes: header.length, bodyBytes: body.length, bodyCrc };
    const entry = new StoredEntry(sequence, message, shape);
    if (!this.#isOpen) return { entry, stored: refusal("it is not open") };
    this.#bodies.keep(entry, body);
    return { entry, stored: this.#log.append({ header, body, target: entry }) };
  }

  read(entry: Entry): Buffer | Promise<Buffer> {
    const held = entry as StoredEntry;
    if (held.body !== undefined) return held.body;
    const { segment } = held;
    if (segment === undefined || held.isRemoved) {
      throw new TypeError("a message that is removed or not stored yet cannot be read");
    }
    return this.#bodies.read(held, segment);
  }

  mark(entry: Entry, mark: Mark): Promise<void> | undefined {
    const held = entry as StoredEntry;
    const wasConfirmed = held.isConfirmed;
    applyMark(held, mark);
    const { segment } = held;
    if (segment === undefined || segment.isGone) return undefined;
    const written = this.#marks.write(held, mark);
    if (held.isConfirmed && !wasConfirmed) {
      segment.unconfirmedCount--;
      this.#cleaner.changed(segment, 0);
    }
    return written;
  }

  remove(entry: Entry): Promise<void> | undefined {
    const held = entry as StoredEntry;
    if (held.isRemoved) return undefined;
    held.isRemoved = true;
    this.forgetBody(held);
    const { segment } = held;
    if (segment === undefined || segment.isGone) return undefined;
    segment.drop(held);
    const written = this.#marks.write(held, { kind: "removed" });
    this.#cleaner.changed(segment, held.recordBytes);
    return written;
  }

  forgetBody(entry: Entry): void {
    this.#bodies.forget(entry as StoredEntry);
  }

  getStats(): StoreStats {
    const { items, storedBytes } = this.#segments;
    return {
      durability: this.durability,
      storedBytes,
      liveBytes: items.reduce((sum, { liveBytes }) => sum + liveBytes, 0),
      cachedBytes: this.#bodies.cachedBytes,
      segments: items.length,
      damagedRecords: this.#quarantine.damagedRecords,
      tornBytes: this.#mender.tornBytes,
      flushes: this.#flusher.flushCount,
      isFull: this.#space.isFull,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#isOpen ? this.#close() : Promise.resolve();
    return this.#closing;
  }

  async #recover(): Promise<Recovered> {
    const { segmentCount, ...found } = await recoverSegments({
      directory: this.#directory,
      files: this.#files,
      openFiles: this.#openFiles,
      segments: this.#segments,
      mender: this.#mender,
    });
    const { entries, unconfirmed, moved, nextSequence } = found;
    // Another process may have made it since it was looked at.
    await this.#storeFile.read();
    const secret = await this.#storeFile.settle(segmentCount > 0);
    this.#nextSequence = nextSequence;
    if (this.#segments.items.length === 0) await this.#segments.create(nextSequence);
    // What is handed out from now on must not be lost by a power cut either.
    if (this.#isSynced) {
      await this.#openFiles.use(this.#segments.active.logPath, (fd) => this.#flusher.flush(fd));
    }
    await this.#space.ask();
    this.#isOpen = true;
    for (const entry of moved) {
      void this.#marks.write(entry, { kind: "state", state: entry.state });
    }
    this.#cleaner.check();
    return { entries, unconfirmed, secret };
  }

  async #close(): Promise<void> {
    this.#isOpen = false;
    await this.#log.idle();
    await this.#cleaner.close();
    await this.#log.idle();
    await (this.#isSynced ? this.#marks.flush() : this.#marks.drain());
    const lostCount = this.#marks.close();
    if (lostCount > 0) this.#logger.error({ lostCount }, "marks of messages could not be written");
    await this.#space.close();
    await this.#openFiles.closeAll();
    await this.#owner.release();
  }

  #full(bytes: number): void {
    this.#space.setFull(bytes);
    this.#logger.error({ bytes }, "the disk is full");
    this.#cleaner.press();
  }

  async #sealed(segment: Segment): Promise<void> {
    if (this.#isSynced) await this.#marks.flushSidecar(segment);
    this.#cleaner.check();
  }

  /** A message that is handed out and comes back for ever must not make its sidecar grow for ever. */
  #marked(segment: Segment): void {
    const isLarge = segment.marksBytes > this.#config.segmentBytes;
    if (isLarge && segment === this.#segments.active) this.#log.rotate();
  }
}

function refusal(reason: string): Promise<never> {
  const refused = Promise.reject(StoreErrors.FAILED({ reason }));
  refused.catch(() => {});
  return refused;
}
