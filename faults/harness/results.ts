/** Fetching results while brokers come and go. */
import { createHash } from "node:crypto";
import { encodeCancel, type Response } from "millrace/wire";
import type { History } from "../history.js";
import { ackFrame, popFrame } from "./calls.js";
import type { Target } from "./clients.js";
import { LineLost, RawLine } from "./raw-line.js";

/** How long one question may be held by the broker, in seconds. */
const HOLD_S = 6;
const UNAVAILABLE = "Queue is not available";

/** A client with one connection that asks again when it is lost. */
export class ResultReader {
  readonly #target: Target;
  readonly #history: History | undefined;
  #line: RawLine | undefined;
  #isClosed = false;

  constructor(target: Target, history?: History) {
    this.#target = target;
    this.#history = history;
  }

  /**
   * The result of a job, however long it takes.
   *
   * @throws when the broker says that there will be none.
   */
  async fetch(jobId: string): Promise<string> {
    for (;;) {
      const text = await this.#repeat((line) => this.#tryFetch(line, jobId));
      if (text === undefined) continue;
      this.#history?.note({ kind: "result", jobId, text: digestOf(text) });
      return text;
    }
  }

  /** What cancelling came to. */
  async cancel(jobId: string): Promise<string> {
    const answer = await this.#repeat((line) => line.ask(encodeCancel(jobId)));
    if (answer.code !== 0) throw new Error(`CANCEL was refused: ${answer.reason}`);
    return String(answer.response);
  }

  close(): void {
    this.#isClosed = true;
    this.#line?.drop();
  }

  async #repeat<T>(attempt: (line: RawLine) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        if (this.#line?.isOpen !== true) this.#line = await RawLine.open(this.#target.port());
        return await attempt(this.#line);
      } catch (error) {
        if (!(error instanceof LineLost) || this.#isClosed) throw error;
        this.#line?.drop();
        this.#line = undefined;
        await this.#target.up();
      }
    }
  }

  async #tryFetch(line: RawLine, jobId: string): Promise<string | undefined> {
    const first: Response = await line.ask(popFrame(jobId, HOLD_S));
    if (first.code === 2 || first.reason === UNAVAILABLE) return undefined;
    if (first.code !== 0) throw new Error(`the result of ${jobId}: ${first.reason}`);
    const final = await line.ask(ackFrame(first.transactionId));
    return final.code === 0 ? (first.response ?? "") : undefined;
  }
}

/** Stands for a text where only its equality counts. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64").slice(0, 22);
}
