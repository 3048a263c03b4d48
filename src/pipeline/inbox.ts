/**
 * The bounded line in front of a part of the graph. Whoever brings more than it holds waits outside,
 * in order, so that the part before is held back; nothing is ever dropped.
 */
import type { Passage } from "./trip.js";

export interface InboxBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

interface Outside {
  readonly passage: Passage;
  readonly letIn: () => void;
}

export class Inbox {
  readonly #bounds: InboxBounds;
  readonly #waiting: Passage[] = [];
  readonly #outside: Outside[] = [];
  #bytes = 0;

  constructor(bounds: InboxBounds) {
    this.#bounds = bounds;
  }

  /** Messages in line, those outside included. */
  get count(): number {
    return this.#waiting.length + this.#outside.length;
  }

  /** Of the messages in line, without those outside. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#outside.length > 0 || !this.#hasRoom(1);
  }

  /** The first in line, left where it is. */
  get first(): Passage | undefined {
    return this.#waiting[0];
  }

  /** Undefined when the passage is in; else a promise that settles when it is. */
  offer(passage: Passage): Promise<void> | undefined {
    if (this.#outside.length === 0 && this.#hasRoom(passage.bytes)) {
      this.#enter(passage);
      return undefined;
    }
    return new Promise((letIn) => {
      this.#outside.push({ passage, letIn });
    });
  }

  take(): Passage | undefined {
    const passage = this.#waiting.shift();
    if (passage === undefined) return undefined;
    this.#bytes -= passage.bytes;
    for (let next = this.#outside[0]; next !== undefined; next = this.#outside[0]) {
      if (!this.#hasRoom(next.passage.bytes)) break;
      this.#outside.shift();
      this.#enter(next.passage);
      next.letIn();
    }
    return passage;
  }

  #enter(passage: Passage): void {
    this.#waiting.push(passage);
    this.#bytes += passage.bytes;
  }

  /** A message larger than all bytes waits alone. */
  #hasRoom(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#bounds;
    if (this.#waiting.length === 0) return true;
    return this.#waiting.length < maxMessages && this.#bytes + bytes <= maxBytes;
  }
}
