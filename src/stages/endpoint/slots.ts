/** So many at a time; the others wait in their order. */
export class Slots {
  readonly #waiting = new Set<() => void>();
  #freeCount: number;

  constructor(count: number) {
    this.#freeCount = count;
  }

  /** Runs `work` when a slot is free. @throws the signal's reason, or what `work` throws */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#take(signal);
    try {
      return await work();
    } finally {
      this.#give();
    }
  }

  #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#freeCount > 0) {
      this.#freeCount--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(go);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.add(go);
    });
  }

  /** Hands the slot to who has waited longest. */
  #give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#freeCount++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
