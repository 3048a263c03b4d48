/** A list of offsets into a text that grows and costs four bytes for each of them. */
export class OffsetList {
  #values: Int32Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 1_024) {
    this.#values = new Int32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const longer = new Int32Array(this.#values.length * 2);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length++] = value;
  }

  /** 0 where the list has nothing. */
  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  /** Replaces the last one. */
  setLast(value: number): void {
    this.#values[this.#length - 1] = value;
  }

  /** The first index in a rising list whose value is more than `value`; its length if there is none. */
  indexAbove(value: number, from = 0): number {
    let low = from;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) > value) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A copy of what the list holds. */
  toArray(): Int32Array<ArrayBuffer> {
    return this.#values.slice(0, this.#length);
  }
}
