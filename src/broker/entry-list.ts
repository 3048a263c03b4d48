/**
 * Queue entries in the order of their numbers. Nearly always an entry is added at the end and taken
 * from the front; one that was given back keeps its number and so finds its old place.
 */
export interface QueueEntry {
  /** Position in the order of its queue; never changes. */
  readonly number: number;
  /** Escaped content of a JSON string. */
  readonly body: Buffer;
  /** What the entry counts against the broker's memory. */
  readonly heldBytes: number;
}

/** Cut off the emptied front when it is at least this long and half of the list. */
const COMPACT_LENGTH = 1_024;

export class EntryList {
  #fresh: (QueueEntry | undefined)[] = [];
  #front = 0;
  /** Given back, highest number first: the next one is at the end. */
  readonly #returned: QueueEntry[] = [];

  get length(): number {
    return this.#fresh.length - this.#front + this.#returned.length;
  }

  /** Adds an entry whose number is higher than all before. */
  append(entry: QueueEntry): void {
    this.#fresh.push(entry);
  }

  putBack(entry: QueueEntry): void {
    const returned = this.#returned;
    let low = 0;
    let high = returned.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((returned[middle] as QueueEntry).number > entry.number) low = middle + 1;
      else high = middle;
    }
    returned.splice(low, 0, entry);
  }

  /** Removes and returns the entry with the lowest number. */
  takeFirst(): QueueEntry | undefined {
    const returned = this.#returned.at(-1);
    const fresh = this.#fresh[this.#front];
    if (returned !== undefined && (fresh === undefined || returned.number < fresh.number)) {
      return this.#returned.pop();
    }
    if (fresh === undefined) return undefined;
    this.#fresh[this.#front++] = undefined;
    if (this.#front === this.#fresh.length) {
      this.#fresh = [];
      this.#front = 0;
    } else if (this.#front >= COMPACT_LENGTH && this.#front * 2 >= this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#front);
      this.#front = 0;
    }
    return fresh;
  }
}
