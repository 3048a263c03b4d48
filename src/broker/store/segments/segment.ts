/** A segment: a log of messages, its sidecar of marks, and what is known of both. */
import { join } from "node:path";
import type { Entry, GivenUp, MessageKind } from "../entry.js";
import { CONFIRM_MS } from "../message-store.js";
import type { EntryState } from "./format/mark-record.js";

/**
 * Nobody will push a message of that time again. A time that lies far ahead comes from a clock that
 * was wrong, and must not keep a message for years.
 */
export function isPastConfirm(storedAtMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - storedAtMs) >= CONFIRM_MS;
}

export class Segment {
  readonly number: number;
  readonly logPath: string;
  readonly marksPath: string;
  /** Messages in it that are not removed. */
  readonly live = new Set<StoredEntry>();
  /** Where the next record goes. */
  logBytes = 0;
  /** Where the next mark goes. */
  marksBytes = 0;
  /** Bytes of the records of `live`. */
  liveBytes = 0;
  /** Messages, removed or not, whose senders may not know that they are stored. */
  unconfirmedCount = 0;
  /** When the youngest of its messages was stored, in milliseconds since 1970. */
  newestAtMs = 0;
  /** Nothing is added to the log any more. */
  isSealed = false;
  /** Its files are deleted, or about to be. */
  isGone = false;
  /** Marks were written that the disk may not have yet. */
  isMarksDirty = false;
  /** Where its messages went: these must be on the disk before it is deleted. */
  readonly copiedInto = new Set<Segment>();
  /** A record in it cannot be read, so it is not copied either. */
  isDamaged = false;
  /** Reads that are under way; its files stay until they end. */
  readerCount = 0;
  onUnread: (() => void) | undefined;

  constructor(directory: string, number: number) {
    const name = String(number).padStart(8, "0");
    this.number = number;
    this.logPath = join(directory, `${name}.log`);
    this.marksPath = join(directory, `${name}.marks`);
  }

  get storedBytes(): number {
    return this.logBytes + this.marksBytes;
  }

  /** Nobody will push one of its messages a second time. */
  isSettledAt(nowMs: number): boolean {
    return this.unconfirmedCount === 0 || isPastConfirm(this.newestAtMs, nowMs);
  }

  add(entry: StoredEntry): void {
    if (!entry.isConfirmed) this.unconfirmedCount++;
    if (entry.storedAtMs > this.newestAtMs) this.newestAtMs = entry.storedAtMs;
    if (entry.isRemoved) return;
    this.live.add(entry);
    this.liveBytes += entry.recordBytes;
  }

  /** The message is removed, or has moved. */
  drop(entry: StoredEntry): void {
    if (this.live.delete(entry)) this.liveBytes -= entry.recordBytes;
  }

  endRead(): void {
    if (--this.readerCount === 0) this.onUnread?.();
  }
}

/** Where a record stands in a log, and how to know it. */
export interface RecordShape {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly bodyCrc: number;
}

export class StoredEntry implements Entry {
  readonly sequence: number;
  readonly queueName: string;
  readonly id: string;
  readonly kind: MessageKind;
  readonly storedAtMs: number;
  readonly bodyBytes: number;
  readonly failed: string | undefined;
  readonly headerBytes: number;
  readonly bodyCrc: number;
  deliveries = 0;
  isConfirmed = false;
  isTaken = false;
  fetchedAtMs: number | undefined = undefined;
  givenUp: GivenUp | undefined = undefined;
  isAnswered = false;
  sinceMs: number;
  isRemoved = false;
  /** Undefined until it is stored. */
  segment: Segment | undefined = undefined;
  offset = 0;
  /** The body when it is kept in memory. */
  body: Buffer | undefined = undefined;

  constructor(
    sequence: number,
    message: Pick<Entry, "queueName" | "id" | "kind" | "storedAtMs" | "failed">,
    shape: RecordShape,
  ) {
    this.sequence = sequence;
    this.queueName = message.queueName;
    this.id = message.id;
    this.kind = message.kind;
    this.failed = message.failed;
    this.storedAtMs = message.storedAtMs;
    this.sinceMs = message.storedAtMs;
    this.bodyBytes = shape.bodyBytes;
    this.headerBytes = shape.headerBytes;
    this.bodyCrc = shape.bodyCrc;
  }

  get recordBytes(): number {
    return this.headerBytes + this.bodyBytes;
  }

  get state(): EntryState {
    const { sinceMs, deliveries, isConfirmed, isTaken, fetchedAtMs, givenUp, ...rest } = this;
    const { isAnswered, isRemoved } = rest;
    const state = { sinceMs, deliveries, isConfirmed, isTaken, fetchedAtMs, givenUp };
    return { ...state, isAnswered, isRemoved };
  }

  /** It lies there now: for the first time, or because it was copied. */
  place(segment: Segment, offset: number): void {
    this.segment?.drop(this);
    if (this.segment !== undefined && !this.isConfirmed) this.segment.unconfirmedCount--;
    this.segment = segment;
    this.offset = offset;
    segment.add(this);
  }
}
