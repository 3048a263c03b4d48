/** Where a broker keeps its messages: in memory, or in files that survive it. */
import type { MillraceError } from "../../core/index.js";
import type { Entry, Mark, NewMessage } from "./entry.js";

/**
 * What "stored" means. `fsync`: on the disk, a power cut loses nothing. `os`: with the operating
 * system, a crash of the process loses nothing. `memory`: gone with the process.
 */
export const DURABILITIES = ["fsync", "os", "memory"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** A message whose sender may not have heard that it is stored, from before the store was opened. */
export interface Unconfirmed {
  /** May have been removed already. */
  readonly entry: Entry;
  readonly digest: Buffer;
}

/** What a store found when it was opened. */
export interface Recovered {
  /** Ascending by sequence; removed ones are not among them. */
  readonly entries: readonly Entry[];
  /** Stored within `CONFIRM_MS` and not confirmed. */
  readonly unconfirmed: readonly Unconfirmed[];
  /** 32 random bytes that stay the same for the life of the store. */
  readonly secret: Buffer;
}

/** How long the sender of a message may repeat its push, in milliseconds; then nobody will. */
export const CONFIRM_MS = 120_000;

export interface Appended {
  readonly entry: Entry;
  /**
   * Settles when the message is as safe as the durability says; undefined when it is already. Until
   * then nobody may see it. Rejects with STORE_FULL or STORE_FAILED, and then it was never there.
   */
  readonly stored: Promise<void> | undefined;
}

export interface StoreStats {
  readonly durability: Durability;
  /** Bytes of files; 0 in memory. */
  storedBytes: number;
  /** Bytes in them of messages that are not removed. */
  liveBytes: number;
  /** Bytes of bodies that are kept in memory besides. */
  cachedBytes: number;
  segments: number;
  /** Records whose checksum was wrong; they are in quarantine. */
  damagedRecords: number;
  /** Bytes cut off after the last whole record, because a write had not ended. */
  tornBytes: number;
  flushes: number;
  isFull: boolean;
}

export interface MessageStore {
  readonly durability: Durability;
  /** Whether `read` needs no memory of its own because bodies stay in memory until removed. */
  readonly keepsBodies: boolean;
  /** Settles only when the store can go on no more, with the reason. */
  readonly failed: Promise<MillraceError>;
  /** @throws STORE_LOCKED, STORE_FORMAT_UNKNOWN, STORE_UNUSABLE */
  open(): Recovered | Promise<Recovered>;
  /**
   * Whether a body of so many bytes can be appended now, as far as is known.
   *
   * @param isUrgent may use what is kept free for results, which are what empties a store.
   */
  hasRoom(bodyBytes: number, isUrgent: boolean): boolean;
  append(message: NewMessage): Appended;
  /**
   * The body: at once when it is in memory, else read back and checked.
   *
   * @throws STORE_DAMAGED when it is not what was stored: it went into quarantine, and the caller
   *   removes the entry. STORE_FAILED.
   */
  read(entry: Entry): Buffer | Promise<Buffer>;
  /**
   * Applies the mark at once and writes it. The promise settles when the operating system has it;
   * undefined when there is nothing to wait for. Never rejects: a mark that cannot be written now is
   * written as soon as it can.
   */
  mark(entry: Entry, mark: Mark): Promise<void> | undefined;
  /** The message is gone for good. As `mark`. Removing twice does nothing. */
  remove(entry: Entry): Promise<void> | undefined;
  /** The body is needed no more, though the entry is: frees its memory, not its place on the disk. */
  forgetBody(entry: Entry): void;
  getStats(): StoreStats;
  /** Writes what is pending and lets go of the files. */
  close(): Promise<void>;
}
