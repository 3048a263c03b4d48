/**
 * What a broker does, as calls instead of frames. Over TCP these are the handshakes of the protocol;
 * a client in the broker's own process calls them directly. Bodies are in both cases the escaped
 * content of a JSON string, so that either side can read what the other stored.
 */

/** A message handed out and not yet settled. Settling twice, or after a give-back, does nothing. */
export interface HeldMessage {
  /** Escaped content of a JSON string. */
  readonly body: Buffer;
  acknowledge(): void;
  /** Puts the message back to its old place. */
  release(): void;
}

export interface MessageExchange {
  /**
   * Stores `body` at the end of the queue and returns the transaction id; with `stampJobId` that is
   * also written into the body as its `job_id`.
   *
   * @throws QUEUE_FULL, QUEUE_UNAVAILABLE, WIRE_MESSAGE_INVALID
   */
  store(queueName: string, body: Buffer, options: { readonly stampJobId: boolean }): string;
  /**
   * Takes the oldest message, waiting for one at most `waitMs` milliseconds; undefined when none
   * came, when one of the `signals` fired or when the broker is shutting down.
   *
   * @throws QUEUE_WAITERS_FULL
   */
  take(
    queueName: string,
    options: {
      readonly waitMs: number;
      readonly signals?: readonly (AbortSignal | undefined)[];
    },
  ): Promise<HeldMessage | undefined>;
  /** Messages that are ready; those handed out do not count. */
  size(queueName: string): number;
}

/** The text that an escaped body means. */
export function decodeBody(body: Buffer): string {
  return JSON.parse(`"${body.toString()}"`) as string;
}

/** The escaped body of a text. */
export function encodeBody(text: string): Buffer {
  const quoted = JSON.stringify(text);
  return Buffer.from(quoted.slice(1, -1));
}
