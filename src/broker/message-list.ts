/**
 * Messages in the order of their sequence. Nearly always one is added at the end and taken from the
 * front; one that was given back keeps its number and so finds its old place.
 */

interface Numbered {
  readonly entry: { readonly sequence: number };
}

/** Cut off the emptied front when it is at least this long and half of the list. */
const COMPACT_LENGTH = 1_024;

export class MessageList<M extends Numbered> {
  #fresh: (M | undefined)[] = [];
  #front = 0;
  /** Given back, highest number first: the next one is at the end. */
  readonly #returned: M[] = [];

  get length(): number {
    return this.#fresh.length - this.#front + this.#returned.length;
  }

  /** The message with the lowest number. */
  get first(): M | undefined {
    const returned = this.#returned.at(-1);
    const fresh = this.#fresh[this.#front];
    if (returned === undefined || fresh === undefined) return returned ?? fresh;
    return returned.entry.sequence < fresh.entry.sequence ? returned : fresh;
  }

  /** Adds a message wherever its number belongs; at the end, nearly always. */
  add(message: M): void {
    const last = this.#fresh.at(-1);
    if (last === undefined || last.entry.sequence < message.entry.sequence) {
      this.#fresh.push(message);
      return;
    }
    this.#returned.splice(this.#returnedIndex(message), 0, message);
  }

  takeFirst(): M | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    if (first === this.#returned.at(-1)) this.#returned.pop();
    else this.#dropFront();
    return first;
  }

  /** Takes a message out of the line. It must be in it. */
  remove(message: M): void {
    const index = this.#returnedIndex(message) - 1;
    if (this.#returned[index] === message) this.#returned.splice(index, 1);
    else if (this.#fresh[this.#front] === message) this.#dropFront();
    else this.#fresh.splice(this.#fresh.indexOf(message, this.#front), 1);
  }

  #dropFront(): void {
    this.#fresh[this.#front++] = undefined;
    if (this.#front === this.#fresh.length) {
      this.#fresh = [];
      this.#front = 0;
    } else if (this.#front >= COMPACT_LENGTH && this.#front * 2 >= this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#front);
      this.#front = 0;
    }
  }

  /** How many of the returned have this number or a higher one. */
  #returnedIndex({ entry }: M): number {
    let low = 0;
    let high = this.#returned.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#returned[middle] as M;
      if (other.entry.sequence >= entry.sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
