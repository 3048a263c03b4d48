/** A gate that is closed until `open` is called, and can be waited at. */
import { clampTimerMs } from "./limits.js";

export class Gate {
  readonly #waiting = new Set<() => void>();
  #isOpen = false;

  open(): void {
    this.#isOpen = true;
    for (const go of this.#waiting) go();
  }

  /** Resolves when the gate is open, the time is over or the signal fires. Never rejects. */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#isOpen || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", go);
        this.#waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, clampTimerMs(timeoutMs));
      signal?.addEventListener("abort", go);
      this.#waiting.add(go);
    });
  }
}
