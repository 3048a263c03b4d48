/**
 * One queue. An entry's way:
 *
 *   reserved ──append──> ready ──take──> in flight ──settle──> gone
 *      └──cancel──> gone   ^────────────giveBack────────┘
 *
 * A place is reserved with the first response and counts against the limit from then on, so that
 * overlapping pushes cannot exceed it. Numbers are given at `append`.
 */
import { EntryList, type QueueEntry } from "./entry-list.js";

/** A consumer that waits. It is called once, with an entry that is in flight from then on. */
export type Waiter = (entry: QueueEntry) => void;

export class MessageQueue {
  readonly name: string;
  readonly #ready = new EntryList();
  readonly #inFlight = new Set<QueueEntry>();
  readonly #waiters = new Set<Waiter>();
  #reservedCount = 0;
  #nextNumber = 0;
  #isServing = false;

  constructor(name: string) {
    this.name = name;
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  get waiterCount(): number {
    return this.#waiters.size;
  }

  /** What counts against the limit. */
  get placeCount(): number {
    return this.#ready.length + this.#inFlight.size + this.#reservedCount;
  }

  /** Nothing is in it and nobody watches it, so nobody can tell whether it exists. */
  get isForgettable(): boolean {
    return this.placeCount === 0 && this.#waiters.size === 0;
  }

  reserve(): void {
    this.#reservedCount++;
  }

  cancelReservation(): void {
    this.#reservedCount--;
  }

  /** Fills a reserved place. */
  append(body: Buffer, heldBytes: number): void {
    this.#reservedCount--;
    this.#ready.append({ number: this.#nextNumber++, body, heldBytes });
    this.#serveWaiters();
  }

  take(): QueueEntry | undefined {
    const entry = this.#ready.takeFirst();
    if (entry !== undefined) this.#inFlight.add(entry);
    return entry;
  }

  /** Whether the entry was in flight; it is gone now. */
  settle(entry: QueueEntry): boolean {
    return this.#inFlight.delete(entry);
  }

  /** Back to its old place; wakes a waiter. Nothing happens when it is not in flight. */
  giveBack(entry: QueueEntry): void {
    if (!this.#inFlight.delete(entry)) return;
    this.#ready.putBack(entry);
    this.#serveWaiters();
  }

  /** First come, first served. The queue must have nothing ready. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** A waiter may give its entry back at once: the next one is then served here, not inside it. */
  #serveWaiters(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (const waiter of this.#waiters) {
        const entry = this.take();
        if (entry === undefined) break;
        this.#waiters.delete(waiter);
        waiter(entry);
      }
    } finally {
      this.#isServing = false;
    }
  }
}
