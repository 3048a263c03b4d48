/** What a handler may do with the connection, or the channel of it, that a request came on. */
import type { LeaseEnd } from "./job-ledger.js";

/** The second half of a handshake: what happens once the first response is out. */
export interface Transaction {
  readonly id: string;
  /** How long the first byte of the ACK may take; 0 or less refuses at once. */
  readonly ackWaitMs: number;
  /** What one extension may ask for at most; without it there are none. */
  readonly maxExtendMs?: number;
  /** The final response after a good ACK. */
  readonly finalText: string;
  /**
   * A good ACK came. Exactly one of `commit` and `abort` is called, once. The final response waits
   * for the promise; when that rejects the connection ends without one, and the peer repeats.
   * "refused": nothing happened, and the peer hears what a missing ACK gets.
   */
  commit(): Promise<void> | undefined | "refused";
  abort(end: LeaseEnd): void;
  /**
   * Called once after `commit`: whether the peer is known to have the final response, by its next
   * request or its clean close after it.
   */
  concluded?(isHeard: boolean): void;
}

/** A handler calls exactly one of these methods per request; `endHold` comes before the next. */
export interface Session {
  /** The only response; then the next request may come. */
  reply(frame: Buffer): void;
  /** The only response; a connection without channels ends with it. */
  refuse(frame: Buffer): void;
  /** Splits the connection into channels; the only response says how many there may be. */
  split(): void;
  /**
   * The first response of a handshake, in parts that are sent together. Without it the ACK came with
   * the request, and the only response is the final one.
   */
  transact(first: readonly Buffer[] | undefined, transaction: Transaction): void;
  /**
   * Keeps the request waiting. If the time or the peer ends first, `cancel` is called and `answer`
   * sent.
   */
  hold(wait: { readonly holdMs: number; readonly answer: Buffer; cancel(): void }): void;
  /** The wait brought something: another call follows. */
  endHold(): void;
  /** Ends a handshake before its ACK, as if that were refused. Other handshakes are left alone. */
  revoke(transactionId: string): void;
}
