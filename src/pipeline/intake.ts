/**
 * The door of a pipeline: a source may fetch a message only when there is a place for it, by count in
 * the parts that it goes to first, and by bytes in the pipeline as a whole.
 */
import type { GraphNode } from "./graph-node.js";

/** What a message is taken to weigh before one was seen. */
const EXPECTED_BYTES_MIN = 16_384;
/** How fast large messages of the past are forgotten, per message. */
const FORGETTING = 0.9;

interface Waiter {
  /** The same list for all waiters of one source. */
  readonly entries: readonly GraphNode[];
  readonly go: (isAdmitted: boolean) => void;
}

export class Intake {
  readonly #maxBytes: number;
  #bytes = 0;
  #jobCount = 0;
  #fetchCount = 0;
  /** About as much as the largest of the last messages. */
  #expectedBytes = EXPECTED_BYTES_MIN;
  readonly #waiting: Waiter[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Of the messages in work, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get jobCount(): number {
    return this.#jobCount;
  }

  /** Waits for a place. False when the signal fired; else exactly one `settle` must follow. */
  async admit(entries: readonly GraphNode[], signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#waiting.length === 0 && this.#tryAdmit(entries)) return true;
    return new Promise((resolve) => {
      const go = (isAdmitted: boolean) => {
        signal.removeEventListener("abort", leave);
        resolve(isAdmitted);
      };
      const waiter = { entries, go };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        go(false);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
      // What waits before it may wait for another part.
      this.wake();
    });
  }

  /**
   * The fetch ended; without `bytes` no message came. Whether the message may stay: else it must go
   * back, because others were fetched meanwhile that leave no room for it. One always may.
   */
  settle(entries: readonly GraphNode[], bytes?: number): boolean {
    this.#fetchCount--;
    if (bytes === undefined) {
      this.release(entries);
      this.wake();
      return false;
    }
    this.#expectedBytes = Math.max(bytes, EXPECTED_BYTES_MIN, this.#expectedBytes * FORGETTING);
    if (this.#jobCount > 0 && this.#bytes + bytes > this.#maxBytes) {
      this.release(entries);
      return false;
    }
    this.#jobCount++;
    this.#bytes += bytes;
    return true;
  }

  /** The message goes to its places now; until then they are kept for it. */
  release(entries: readonly GraphNode[]): void {
    for (const entry of entries) entry.unreserve();
  }

  /** Messages in work have grown, or shrunk. */
  resized(delta: number): void {
    this.#bytes += delta;
    if (delta < 0) this.wake();
  }

  ended(): void {
    this.#jobCount--;
    this.wake();
  }

  /** There may be a place again: lets in who waits, the first first. */
  wake(): void {
    const full = new Set<readonly GraphNode[]>();
    for (let index = 0; index < this.#waiting.length; ) {
      const { entries, go } = this.#waiting[index] as Waiter;
      if (!full.has(entries) && this.#tryAdmit(entries)) {
        this.#waiting.splice(index, 1);
        go(true);
      } else {
        full.add(entries);
        index++;
      }
    }
  }

  #tryAdmit(entries: readonly GraphNode[]): boolean {
    const isIdle = this.#jobCount === 0 && this.#fetchCount === 0;
    const bytes = this.#bytes + (this.#fetchCount + 1) * this.#expectedBytes;
    if (!isIdle && bytes > this.#maxBytes) return false;
    for (const [index, entry] of entries.entries()) {
      if (entry.reserve()) continue;
      for (const reserved of entries.slice(0, index)) reserved.unreserve();
      return false;
    }
    this.#fetchCount++;
    return true;
  }
}
