/** Things that are due after the same time each, kept by one timer. */
import { clampTimerMs, monotonicMs } from "../../core/index.js";

export class Deadlines<T> {
  /** In the order in which they are due. */
  readonly #due = new Map<T, number>();
  readonly #onDue: (thing: T) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onDue: (thing: T) => void) {
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#due.size;
  }

  /** The one that is due first. */
  get first(): T | undefined {
    return this.#due.keys().next().value;
  }

  all(): IterableIterator<T> {
    return this.#due.keys();
  }

  /** @param delayMs not less than that of those before, but for the time that passed. */
  add(thing: T, delayMs: number): void {
    this.#due.delete(thing);
    this.#due.set(thing, monotonicMs() + delayMs);
    if (this.#timer === undefined) this.#arm();
  }

  /** Whether it was awaited. */
  delete(thing: T): boolean {
    return this.#due.delete(thing);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due.clear();
  }

  /** It may fire for nothing, when the first one was deleted meanwhile. */
  #arm(): void {
    const [first] = this.#due.values();
    this.#timer =
      first === undefined
        ? undefined
        : setTimeout(() => this.#fire(), clampTimerMs(first - monotonicMs())).unref();
  }

  #fire(): void {
    const nowMs = monotonicMs();
    for (const [thing, dueMs] of this.#due) {
      if (dueMs > nowMs) break;
      this.#due.delete(thing);
      this.#onDue(thing);
    }
    this.#arm();
  }
}
