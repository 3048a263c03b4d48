/** Many small frames as one write: what is said in one turn of the event loop goes out at its end. */
import type { Socket } from "node:net";
import { KiB } from "../core/index.js";

/** Parts up to this size are copied together; with a larger one all are handed over as they are. */
const COPIED_BYTES_MAX = 4 * KiB;

export class GatheredWrites {
  readonly #socket: Socket;
  #parts: Buffer[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(parts: readonly Buffer[]): void {
    for (const part of parts) this.#parts.push(part);
    this.#turn ??= setImmediate(() => this.flush());
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
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#parts = [];
  }
}
