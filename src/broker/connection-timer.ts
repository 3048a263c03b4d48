/** The one deadline that runs for a connection, and what it is the deadline of. */
import { clampTimerMs } from "../core/index.js";

export class ConnectionTimer {
  #timer: NodeJS.Timeout | undefined;
  #of = "";

  /** What is waited for; empty when nothing is. */
  get of(): string {
    return this.#of;
  }

  /** Replaces the deadline that runs. */
  arm(of: string, delayMs: number, onExpire: () => void): void {
    clearTimeout(this.#timer);
    this.#of = of;
    this.#timer = setTimeout(onExpire, clampTimerMs(delayMs));
  }

  /** Lets the same time begin again. */
  refresh(): void {
    this.#timer?.refresh();
  }

  disarm(): void {
    clearTimeout(this.#timer);
    this.#of = "";
  }
}
