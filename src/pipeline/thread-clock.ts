/** The times of a stage in a thread: for loading it, from when there is a thread, then for its work. */
import { PipelineErrors } from "./errors.js";
import { LOAD_MS, LoadErrors } from "./load-errors.js";

export class ThreadClock {
  readonly #stage: string;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(stage: string, timeoutMs: number) {
    this.#stage = stage;
    this.#timeoutMs = timeoutMs;
  }

  /** Fires when the time is over; its reason is the error that says so. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  placed(): void {
    const problem = `it took more than ${LOAD_MS} ms`;
    this.#fireAfter(LOAD_MS, () => LoadErrors.STAGE_MODULE_FAILED({ use: this.#stage, problem }));
  }

  /** The news may come after the outcome: then there is nothing left to time. */
  begun(): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    const timeoutMs = this.#timeoutMs;
    this.#fireAfter(timeoutMs, () =>
      PipelineErrors.STAGE_TIMED_OUT({ stage: this.#stage, timeoutMs }),
    );
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #fireAfter(ms: number, error: () => Error): void {
    this.#timer = setTimeout(() => this.#controller.abort(error()), ms);
  }
}
