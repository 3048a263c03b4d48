/** How long pushes and pops of neighbours take while something else is going on. */
import { popOn, pushFrame, pushOn } from "./calls.js";
import { RawLine } from "./raw-line.js";
import { quantile } from "./waits.js";

/** Pushes and pops on one line, one after the other. */
export class Neighbour {
  readonly #queue: string;
  readonly #line: RawLine;
  readonly pushMs: number[] = [];
  readonly popMs: number[] = [];
  #isStopped = false;

  private constructor(queue: string, line: RawLine) {
    this.#queue = queue;
    this.#line = line;
  }

  static async join(port: number, queue: string): Promise<Neighbour> {
    return new Neighbour(queue, await RawLine.open(port));
  }

  async once(): Promise<void> {
    const body = "x".repeat(200);
    const beganAtMs = performance.now();
    const pushed = await pushOn(this.#line, pushFrame(this.#queue, body));
    if (!("id" in pushed)) throw new Error(`a neighbour's push was refused: ${pushed.refusal}`);
    const pushedAtMs = performance.now();
    if ((await popOn(this.#line, this.#queue)) !== body)
      throw new Error("a neighbour's pop failed");
    this.pushMs.push(pushedAtMs - beganAtMs);
    this.popMs.push(performance.now() - pushedAtMs);
  }

  async times(count: number): Promise<void> {
    for (let number = 0; number < count; number++) await this.once();
  }

  async untilStopped(): Promise<void> {
    while (!this.#isStopped) await this.once();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async leave(): Promise<void> {
    await this.#line.end();
  }

  /** The 99th percentile of pushes, in milliseconds. */
  get p99Ms(): number {
    return quantile(this.pushMs, 0.99);
  }
}
