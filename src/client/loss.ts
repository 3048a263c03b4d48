/**
 * Whether a delivery is still its consumer's. Its signal is made for who asks for it: most consumers
 * never do, and deliveries are many.
 */
import { type MillraceError, sharedAbortController } from "../core/index.js";

export class Loss {
  #reason: MillraceError | undefined;
  #controller: AbortController | undefined;

  /** CLIENT_LEASE_OVER; undefined while the delivery is its consumer's. */
  get reason(): MillraceError | undefined {
    return this.#reason;
  }

  /** Fires once, with `reason`. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = sharedAbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The delivery is lost. The first call counts. */
  declare(reason: MillraceError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
