/**
 * One queue: the line of its messages, those that are handed out, and the consumers that wait.
 *
 * A place is reserved with the first response of a push and counts against the limit from then on,
 * so that overlapping pushes cannot exceed it.
 */
import { newId } from "../core/index.js";
import { MessageList } from "./message-list.js";
import type { Entry } from "./store/entry.js";

/** The right of one consumer to one message, from hand-out to acknowledgement or give-back. */
export interface Lease {
  readonly id: string;
  /** Called once when the lease is ended over its holder's head. */
  onLost: (() => void) | undefined;
}

/**
 *   ready ──take──> leased ──acknowledged──> gone, or aside
 *     ^                └────given back────> ready, aside or gone
 *     └──restore── aside: in the store, in no line: fetched results, dead letters, taken jobs
 */
export type Place = "ready" | "leased" | "aside" | "gone";

export interface QueuedMessage {
  readonly entry: Entry;
  readonly queue: MessageQueue;
  place: Place;
  /** The present lease, or the last one. */
  lease: Lease | undefined;
  /**
   * To be handed out while no other such message of its queue is: its next delivery is its last
   * one, and if it is what kills its consumers, it must not take its neighbours along.
   */
  goesAlone: boolean;
  /** What it counts against the broker's memory. */
  heldBytes: number;
}

/** A consumer that waits. It is called once, with a message that is leased from then on. */
export type Waiter = (message: QueuedMessage) => void;

export class MessageQueue {
  readonly name: string;
  readonly #ready = new MessageList<QueuedMessage>();
  /** Ready, and to be handed out alone. */
  readonly #alone = new MessageList<QueuedMessage>();
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

  /** The message that waits for longest. */
  get oldest(): QueuedMessage | undefined {
    const [fresh, alone] = [this.#ready.first, this.#alone.first];
    if (fresh === undefined || alone === undefined) return fresh ?? alone;
    return alone.entry.sequence < fresh.entry.sequence ? alone : fresh;
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

  #lineOf({ goesAlone }: QueuedMessage): MessageList<QueuedMessage> {
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
