/** One call of a sink, as the sink sees it. */
import { type LinkedSignal, linkSignals } from "../core/index.js";
import type { ProcessMessageOptions } from "./sink.js";
import type { Trip } from "./trip.js";

/** Its signal is made when the sink asks for it: that costs more than a small result. */
export class SinkCall implements ProcessMessageOptions {
  readonly ends: readonly AbortSignal[];
  readonly leaseId: string | undefined;
  #linked: LinkedSignal | undefined;

  constructor({ delivering, delivery: { lost, leaseId } }: Trip) {
    this.ends = lost === undefined ? [delivering] : [delivering, lost];
    this.leaseId = leaseId;
  }

  get signal(): AbortSignal {
    this.#linked ??= linkSignals(...this.ends);
    return this.#linked.signal;
  }

  /** Nobody waits for the sink any more. */
  over(): void {
    this.#linked?.unlink();
  }
}
