/** What a handler may do with the connection that a request came on. */

/** The second half of a handshake: what happens once the first response is out. */
export interface Transaction {
  readonly id: string;
  /** How long the first byte of the ACK may take; 0 or less refuses at once. */
  readonly ackWaitMs: number;
  /** The final response after a good ACK. */
  readonly finalText: string;
  /** A good ACK came. Exactly one of `commit` and `abort` is called, once. */
  commit(): void;
  abort(): void;
}

/** A handler calls exactly one of these methods per request; `endHold` comes before `transact`. */
export interface Session {
  /** The only response; the connection is ready for the next request. */
  reply(frame: Buffer): void;
  /** The only response; then the connection ends. */
  refuse(frame: Buffer): void;
  /** The first response of a handshake, in parts that are sent together. */
  transact(first: readonly Buffer[], transaction: Transaction): void;
  /** Keeps the request waiting; `cancel` is called if the time or the peer ends first. */
  hold(holdMs: number, cancel: () => void): void;
  /** The wait brought something: `transact` follows. */
  endHold(): void;
}
