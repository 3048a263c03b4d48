/** Numbers of places, the lowest free one first. */
const COUNT_FIRST = 16;
const COUNT_MAX = 4_096;

export class Places {
  #count = COUNT_FIRST;
  /** So many of them Redis is sure to know of. */
  #knownCount = COUNT_FIRST;
  #next = 0;
  readonly #free: number[] = [];
  readonly #used = new Set<number>();

  /** How many there are, or will be when Redis knows of them. */
  get count(): number {
    return this.#count;
  }

  all(): number[] {
    return Array.from({ length: this.#count }, (_, place) => place);
  }

  /** All that are free and were in use before, as if they were in use again. */
  takeFree(): readonly number[] {
    const taken = this.#free.splice(0);
    for (const place of taken) this.#used.add(place);
    return taken;
  }

  /** Undefined when all that Redis knows of are in use. */
  take(): number | undefined {
    const place = this.#free.pop() ?? (this.#next < this.#knownCount ? this.#next++ : undefined);
    if (place !== undefined) this.#used.add(place);
    return place;
  }

  free(place: number): void {
    if (this.#used.delete(place)) this.#free.push(place);
  }

  /** @throws RangeError beyond 4,096: nothing frees them any more. */
  grow(): void {
    // One that is growing grows no further before Redis knows.
    if (this.#count > this.#knownCount) return;
    if (this.#count >= COUNT_MAX) throw new RangeError(`more than ${COUNT_MAX} messages in work`);
    this.#count *= 2;
  }

  /** Redis was told that there are so many. */
  know(count: number): void {
    this.#knownCount = Math.max(this.#knownCount, count);
  }
}
