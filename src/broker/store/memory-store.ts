/** Keeps messages in memory: as fast as can be, and gone with the process. */
import { randomBytes } from "node:crypto";
import { applyMark, type Entry, type Mark, type NewMessage } from "./entry.js";
import type { Appended, MessageStore, Recovered, StoreStats } from "./message-store.js";

interface MemoryEntry extends Entry {
  body: Buffer;
}

const NOTHING = Buffer.alloc(0);

export class MemoryStore implements MessageStore {
  readonly durability = "memory";
  readonly keepsBodies = true;
  readonly failed = new Promise<never>(() => {});
  #nextSequence = 0;
  #liveBytes = 0;

  open(): Recovered {
    return { entries: [], unconfirmed: [], secret: randomBytes(32) };
  }

  hasRoom(): boolean {
    return true;
  }

  append({ queueName, id, kind, storedAtMs, body, failed }: NewMessage): Appended {
    const entry: MemoryEntry = {
      sequence: this.#nextSequence++,
      queueName,
      id,
      kind,
      storedAtMs,
      bodyBytes: body.length,
      failed,
      sinceMs: storedAtMs,
      deliveries: 0,
      isConfirmed: false,
      isTaken: false,
      fetchedAtMs: undefined,
      givenUp: undefined,
      isAnswered: false,
      body,
    };
    this.#liveBytes += body.length;
    return { entry, stored: undefined };
  }

  read(entry: Entry): Buffer {
    return (entry as MemoryEntry).body;
  }

  mark(entry: Entry, mark: Mark): undefined {
    applyMark(entry, mark);
  }

  remove(entry: Entry): undefined {
    this.forgetBody(entry);
  }

  forgetBody(entry: Entry): void {
    const held = entry as MemoryEntry;
    this.#liveBytes -= held.body.length;
    held.body = NOTHING;
  }

  getStats(): StoreStats {
    return {
      durability: this.durability,
      storedBytes: 0,
      liveBytes: this.#liveBytes,
      cachedBytes: this.#liveBytes,
      segments: 0,
      damagedRecords: 0,
      tornBytes: 0,
      flushes: 0,
      isFull: false,
    };
  }

  async close(): Promise<void> {}
}
