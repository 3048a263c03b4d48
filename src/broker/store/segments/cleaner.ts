/**
 * Gives disk back: deletes segments in which every message is over, and compacts those that hold
 * little. One thing at a time, in the background; readers and writers never wait for it.
 */
import { epochSeconds, type Logger, MiB, messageOf, monotonicMs } from "../../../core/index.js";
import { CONFIRM_MS } from "../message-store.js";
import { type CompactionParts, moveLive } from "./compaction.js";
import type { Flusher } from "./disk/flusher.js";
import type { Segment } from "./segment.js";
import type { SegmentList } from "./segment-list.js";

/** An active segment that is over is given back when it has this many bytes: not for every message. */
const ACTIVE_BYTES_MAX = 4 * MiB;
/** How often a lack of room may ask for compaction. */
const PRESS_EVERY_MS = 200;
/** Under pressure a segment is compacted when at least one byte of so many is dead. */
const PRESSED_DEAD_SHARE = 8;

export interface CleanerParts extends CompactionParts {
  readonly segments: SegmentList;
  readonly flusher: Flusher;
  readonly logger: Logger;
  readonly isSynced: boolean;
  readonly segmentBytes: number;
}

export class Cleaner {
  readonly #parts: CleanerParts;
  readonly #activeBytesMax: number;
  #isWanted = false;
  #isPressed = false;
  #pressedAtMs = 0;
  /** Bytes that died since it was last looked whether to compact. */
  #diedBytes = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: CleanerParts) {
    this.#parts = parts;
    this.#activeBytesMax = Math.min(ACTIVE_BYTES_MAX, parts.segmentBytes / 4);
  }

  /** A message of the segment was removed or confirmed. Cheap: called for every one. */
  changed(segment: Segment, diedBytes: number): void {
    this.#diedBytes += diedBytes;
    const isOver = segment.live.size === 0 && this.#isWorthDeleting(segment);
    if (isOver || this.#diedBytes >= this.#parts.segmentBytes) this.check();
  }

  /** Something was refused because the store has as many bytes as it may. */
  press(): void {
    if (monotonicMs() - this.#pressedAtMs < PRESS_EVERY_MS) return;
    this.#pressedAtMs = monotonicMs();
    this.#isPressed = true;
    this.check();
  }

  /** Looks for what can be given back. */
  check(): void {
    if (this.#isClosed) return;
    this.#isWanted = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Ends after what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    // Not within the call that removes a message.
    await Promise.resolve();
    while (this.#isWanted && !this.#isClosed && this.#parts.flusher.failure === undefined) {
      this.#isWanted = false;
      this.#diedBytes = 0;
      try {
        await this.#deleteOver();
        await this.#compact();
      } catch (error) {
        this.#parts.logger.warn({ reason: messageOf(error) }, "disk could not be given back");
      }
    }
    this.#running = undefined;
  }

  async #deleteOver(): Promise<void> {
    const { segments, log } = this.#parts;
    const nowMs = epochSeconds() * 1_000;
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const segment of [...segments.items]) {
      if (segment.live.size > 0 || !this.#isWorthDeleting(segment)) continue;
      if (!segment.isSettledAt(nowMs)) dueAtMs = Math.min(dueAtMs, segment.newestAtMs + CONFIRM_MS);
      else if (segment.isSealed) await this.#delete(segment);
      else log.rotate();
    }
    clearTimeout(this.#timer);
    if (dueAtMs === Number.POSITIVE_INFINITY || this.#isClosed) return;
    this.#timer = setTimeout(() => this.check(), Math.max(1, dueAtMs - nowMs)).unref();
  }

  #isWorthDeleting(segment: Segment): boolean {
    return segment.isSealed || segment.storedBytes > this.#activeBytesMax;
  }

  async #delete(segment: Segment): Promise<void> {
    const { segments, marks, flusher, openFiles, isSynced } = this.#parts;
    const isMoved = segment.copiedInto.size > 0;
    const isFlushed = isSynced || isMoved ? await marks.flush() : true;
    if (isMoved) {
      // Only the copies have its messages then, so they must be on the disk, whatever the durability.
      if (!isFlushed) return;
      for (const { isGone, logPath } of segment.copiedInto) {
        if (!isGone) await openFiles.use(logPath, (fd) => flusher.flush(fd));
      }
    }
    await segments.delete(segment);
  }

  /** One segment at most; when that helped, it is looked again. */
  async #compact(): Promise<void> {
    const { logger } = this.#parts;
    const segment = this.#emptiest();
    this.#isPressed = false;
    if (segment === undefined) return;
    const { number, storedBytes, liveBytes } = segment;
    if (!(await moveLive(segment, this.#parts))) return;
    logger.debug({ segment: number, storedBytes, liveBytes }, "a segment was compacted");
    this.#isWanted = true;
  }

  #emptiest(): Segment | undefined {
    const { segments, segmentBytes } = this.#parts;
    const nowMs = epochSeconds() * 1_000;
    let [live, dead] = [0, 0];
    let emptiest: Segment | undefined;
    for (const segment of segments.items) {
      if (!segment.isSealed || segment.isGone) continue;
      live += segment.liveBytes;
      dead += segment.storedBytes - segment.liveBytes;
      const isOpen = segment.live.size > 0 && !segment.isDamaged && segment.isSettledAt(nowMs);
      if (isOpen && !(segment.liveBytes >= (emptiest?.liveBytes ?? Number.POSITIVE_INFINITY))) {
        emptiest = segment;
      }
    }
    if (emptiest === undefined) return undefined;
    if (dead > live && dead > 2 * segmentBytes) return emptiest;
    const deadBytes = emptiest.storedBytes - emptiest.liveBytes;
    const isWorth = deadBytes * PRESSED_DEAD_SHARE >= emptiest.storedBytes;
    return this.#isPressed && isWorth ? emptiest : undefined;
  }
}
