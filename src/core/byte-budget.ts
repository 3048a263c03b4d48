/**
 * A bound on bytes that many holders share. Taking never waits: who gets no bytes refuses its work.
 */
export class ByteBudget {
  readonly limitBytes: number;
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  hasRoom(bytes: number, limitBytes = this.limitBytes): boolean {
    return this.#heldBytes + bytes <= limitBytes;
  }

  /**
   * Whether `bytes` more were free; if so they are taken.
   *
   * @param limitBytes a lower limit than the budget's own, for what must leave room to others.
   */
  tryTake(bytes: number, limitBytes = this.limitBytes): boolean {
    if (!this.hasRoom(bytes, limitBytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  /** Takes bytes that are in use already, whether or not there is room. */
  take(bytes: number): void {
    this.#heldBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}
