/** Many small frames as one write: what is said together goes out together. */
import type { Socket } from "node:net";
import { KiB } from "../core/index.js";

/** Parts up to this size are copied together; with a larger one all are handed over as they are. */
const COPIED_BYTES_MAX = 4 * KiB;

export class GatheredWrites {
  readonly #socket: Socket;
  readonly #defer: (flush: () => void) => void;
  #parts: Buffer[] = [];

  /** @param defer calls `flush` when what is said together has been said. */
  constructor(socket: Socket, defer: (flush: () => void) => void) {
    this.#socket = socket;
    this.#defer = defer;
  }

  add(parts: readonly Buffer[]): void {
    if (this.#parts.length === 0) this.#defer(() => this.flush());
    for (const part of parts) this.#parts.push(part);
  }

  /** Sends what there is now. */
  flush(): void {
    const parts = this.#parts;
    this.drop();
    if (parts.length === 0 || this.#socket.destroyed || this.#socket.writableEnded) return;
    if (parts.every((part) => part.length <= COPIED_BYTES_MAX)) {
      this.#socket.write(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
      return;
    }
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** Forgets what was not sent. */
  drop(): void {
    this.#parts = [];
  }
}
