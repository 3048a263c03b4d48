/** Requests as tests write them, and the two-step exchanges built from them. */
import type { Answer, RawPeer } from "./raw-peer.js";

export const PING = { command: "PING" };

export function push(queueName: string, message: string, timeout: number | null = 5) {
  return { command: "PUSH", queue_name: queueName, message, timeout };
}

export function pop(queueName: string, timeout: number | null = 5) {
  return { command: "POP", queue_name: queueName, timeout };
}

export function size(queueName: string) {
  return { command: "SIZE", queue_name: queueName };
}

export function ack(id: string, value: unknown = true) {
  return { transaction_id: id, ack: value };
}

/** A whole PUSH; the final response. A refusal instead of the first response is returned as it is. */
export async function pushThrough(
  peer: RawPeer,
  queueName: string,
  message: string,
): Promise<Answer> {
  const first = await peer.ask(push(queueName, message));
  return first.code === 0 ? await peer.ask(ack(first.id)) : first;
}

/** A whole POP; the message, or null when none is ready. */
export async function popThrough(peer: RawPeer, queueName: string): Promise<unknown> {
  const first = await peer.ask(pop(queueName, 0));
  if (first.code !== 0) return null;
  await peer.ask(ack(first.id));
  return first.response;
}
