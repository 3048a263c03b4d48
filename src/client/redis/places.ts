/** Numbers of places, the lowest free one first. */
const COUNT_FIRST = 16;
const COUNT_MAX = 4_096;

export class Places {
  #count = COUNT_FIRST;
  #next = 0;
  readonly #free: number[] = [];
  readonly #used = new Set<number>();

  /** How many there are. */
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

  /** Undefined when all are in use. */
  take(): number | undefined {
    const place = this.#free.pop() ?? (this.#next < this.#count ? this.#next++ : undefined);
    if (place !== undefined) this.#used.add(place);
    return place;
  }

  free(place: number): void {
    if (this.#used.delete(place)) this.#free.push(place);
  }

  /** @throws RangeError beyond 4,096: nothing frees them any more. */
  grow(): void {
    if (this.#count >= COUNT_MAX) throw new RangeError(`more than ${COUNT_MAX} messages in work`);
    this.#count *= 2;
  }
}
