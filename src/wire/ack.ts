/**
 * The client's second frame in a handshake: the ACK. In its place a consumer of ours may first send
 * extensions, which prolong its lease and are not answered.
 */
import { isUtf8 } from "node:buffer";
import { encodeFrame } from "./frame.js";

/** Longer ACKs are refused unread. */
export const ACK_BYTES_MAX = 64 * 1024;

export type Ack =
  /** Quietly: its sender does not wait for the final response, so there is none. */
  | { readonly kind: "acknowledged"; readonly isQuiet: boolean }
  /** `"ack": false` for the right transaction: the peer gives it up in good order. */
  | { readonly kind: "released" }
  | { readonly kind: "extended"; readonly extendS: number }
  /** Anything else counts as no ACK. */
  | { readonly kind: "refused" };

const REFUSED: Ack = { kind: "refused" };
const RELEASED: Ack = { kind: "released" };
const ACKNOWLEDGED: Ack = { kind: "acknowledged", isQuiet: false };
const QUIETLY: Ack = { kind: "acknowledged", isQuiet: true };

/** What `body` says of the transaction: only JSON `true` and its own id acknowledge it. */
export function readAck(body: Buffer, transactionId: string): Ack {
  if (!isUtf8(body)) return REFUSED;
  let ack: unknown;
  try {
    ack = JSON.parse(body.toString());
  } catch {
    return REFUSED;
  }
  if (typeof ack !== "object" || ack === null) return REFUSED;
  const { transaction_id, ack: value, final, extend } = ack as Record<string, unknown>;
  if (transaction_id !== transactionId) return REFUSED;
  if (value === true) return final === false ? QUIETLY : ACKNOWLEDGED;
  if (value === false) return RELEASED;
  const isExtension = value === undefined && typeof extend === "number" && extend > 0;
  return isExtension ? { kind: "extended", extendS: extend } : REFUSED;
}

export function encodeAck(transactionId: string, ack: boolean): Buffer {
  return encodeFrame(`{"transaction_id":"${transactionId}","ack":${ack}}`);
}

/** A good ACK that asks for no final response. Only for brokers that know it. */
export function encodeQuietAck(transactionId: string): Buffer {
  return encodeFrame(`{"transaction_id":"${transactionId}","ack":true,"final":false}`);
}

/** Prolongs a lease: from its arrival on it lasts `extendS` seconds. Only for brokers that know it. */
export function encodeExtension(transactionId: string, extendS: number): Buffer {
  return encodeFrame(`{"transaction_id":"${transactionId}","extend":${extendS}}`);
}
