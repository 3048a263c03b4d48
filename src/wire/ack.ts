/** The ACK: the client's second frame in a handshake. */
import { isUtf8 } from "node:buffer";
import { encodeFrame } from "./frame.js";

/** Longer ACKs are refused unread. */
export const ACK_BYTES_MAX = 64 * 1024;

/** Whether `body` acknowledges the transaction: only JSON `true` and its own id count. */
export function isGoodAck(body: Buffer, transactionId: string): boolean {
  if (!isUtf8(body)) return false;
  let ack: unknown;
  try {
    ack = JSON.parse(body.toString());
  } catch {
    return false;
  }
  if (typeof ack !== "object" || ack === null) return false;
  const { transaction_id, ack: value } = ack as Record<string, unknown>;
  return value === true && transaction_id === transactionId;
}

export function encodeAck(transactionId: string, ack: boolean): Buffer {
  return encodeFrame(`{"transaction_id":"${transactionId}","ack":${ack}}`);
}
