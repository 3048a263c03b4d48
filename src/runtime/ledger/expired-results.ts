/** When results went that are kept no more: exactly for the last ones, roughly for those before. */
import { isoTime } from "../../core/index.js";
import { Text } from "../../wire/index.js";

/** What is told exactly; an id and a time each. */
const REMEMBERED_MAX = 10_000;

export class ExpiredResults {
  readonly #atMs = new Map<string, number>();
  /** Whatever is not remembered went before this. */
  #forgottenUntilMs: number;

  constructor(nowMs: number) {
    this.#forgottenUntilMs = nowMs;
  }

  add(jobId: string, atMs: number): void {
    this.#atMs.set(jobId, atMs);
    if (this.#atMs.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#atMs;
    if (oldest === undefined) return;
    this.#atMs.delete(oldest[0]);
    this.#forgottenUntilMs = Math.max(this.#forgottenUntilMs, oldest[1]);
  }

  /** A sentence that begins with the words of the protocol. */
  describe(jobId: string): string {
    const atMs = this.#atMs.get(jobId);
    if (atMs !== undefined) return `${Text.RESULT_EXPIRED} at ${isoTime(atMs / 1000)}`;
    const until = isoTime(this.#forgottenUntilMs / 1000);
    return `${Text.RESULT_EXPIRED} before ${until}, or its job was never stored`;
  }
}
