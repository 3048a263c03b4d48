/**
 * One queue: the line of its messages, those that are handed out, and the consumers that wait. The
 * ways of a message are drawn in `queued-message.ts`.
 *
 * A place is reserved with the first response of a push and counts against the limit from then on,
 * so that overlapping pushes cannot exceed it.
 */
import { newId } from "../core/index.js";
import { MessageList } from "./message-list.js";
import type { QueuedMessage } from "./queued-message.js";

/** A consumer that waits. It is called once, with a message that is leased from then on. */
export type Waiter = (message: QueuedMessage) => void;

export class MessageQueue {
  readonly name: string;
  readonly #ready = new MessageList();
  /** Ready, and to be handed out alone. */
  readonly #alone = new MessageList();
  readonly #waiters = new Set<Waiter>();
  #leasedCount = 0;
  #aloneLeasedCount = 0;
  #reservedCount = 0;
  #isServing = false;
  /** Bytes of bodies, reserved ones included, aside ones not. */
  bytes = 0;
  /** Messages that lie aside and keep the queue from being forgotten. */
  asideCount = 0;

  constructor(name: string) {
    this.name = name;
  }

  get readyCount(): number {
    return this.#ready.length + this.#alone.length;
  }

  get leasedCount(): number {
    return this.#leasedCount;
  }

  get waiterCount(): number {
    return this.#waiters.size;
  }

  /** What counts against the limit. */
  get placeCount(): number {
    return this.readyCount + this.#leasedCount + this.#reservedCount;
  }

  /** Nothing is in it and nobody watches it, so nobody can tell whether it exists. */
  get isForgettable(): boolean {
    return this.placeCount === 0 && this.asideCount === 0 && this.#waiters.size === 0;
  }

  reserve(bytes: number): void {
    this.#reservedCount++;
    this.bytes += bytes;
  }

  cancelReservation(bytes: number): void {
    this.#reservedCount--;
    this.bytes -= bytes;
  }

  /** Makes a message ready, at the place that its number gives it; wakes a waiter. */
  add(message: QueuedMessage): void {
    message.place = "ready";
    this.bytes += message.entry.bodyBytes;
    this.#lineOf(message).add(message);
    this.#serveWaiters();
  }

  /** Leases the first message that may be handed out now. */
  take(): QueuedMessage | undefined {
    const alone = this.#aloneLeasedCount > 0 ? undefined : this.#alone.first;
    const fresh = this.#ready.first;
    if (alone === undefined && fresh === undefined) return undefined;
    const isAlone =
      alone !== undefined && (fresh === undefined || alone.entry.sequence < fresh.entry.sequence);
    const message = (isAlone ? this.#alone : this.#ready).takeFirst() as QueuedMessage;
    message.place = "leased";
    message.lease = { id: newId(), onLost: undefined };
    this.#leasedCount++;
    if (isAlone) this.#aloneLeasedCount++;
    return message;
  }

  /** Takes a message out of the line or the hands that it is in. */
  remove(message: QueuedMessage): void {
    const wasLeased = message.place === "leased";
    if (wasLeased) {
      this.#leasedCount--;
      if (message.goesAlone) this.#aloneLeasedCount--;
    } else if (message.place === "ready") this.#lineOf(message).remove(message);
    else return;
    message.place = "gone";
    this.bytes -= message.entry.bodyBytes;
    if (wasLeased && message.goesAlone) this.#serveWaiters();
  }

  /** First come, first served. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  #lineOf({ goesAlone }: QueuedMessage): MessageList {
    return goesAlone ? this.#alone : this.#ready;
  }

  /** A waiter may give its message back at once: the next one is then served here, not inside it. */
  #serveWaiters(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (const waiter of this.#waiters) {
        const message = this.take();
        if (message === undefined) break;
        this.#waiters.delete(waiter);
        waiter(message);
      }
    } finally {
      this.#isServing = false;
    }
  }
}
