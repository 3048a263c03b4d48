/** Requests as tests write them, and the two-step exchanges built from them. */
import { type Answer, connectPeer, type RawPeer } from "./raw-peer.js";
import type { Cleanup } from "./start-broker.js";

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

export function job(queueName: string, message = "{}", timeout: number | null = 5) {
  return { command: "PUSH_FOR_NV_INGEST", queue_name: queueName, message, timeout };
}

export function extend(id: string, seconds: unknown) {
  return { transaction_id: id, extend: seconds };
}

export function cancel(jobId: string) {
  return { command: "CANCEL", job_id: jobId };
}

export function dead(action: string, more: object = {}) {
  return { command: "DEAD", action, ...more };
}

/** A whole PUSH_FOR_NV_INGEST; the job's id. */
export async function jobThrough(
  peer: RawPeer,
  queueName: string,
  message?: string,
): Promise<string> {
  const first = await peer.ask(job(queueName, message));
  const final = await peer.ask(ack(first.id));
  if (final.response !== "Data stored.") throw new Error(`the job is refused: ${final.text}`);
  return first.id;
}

/** Closes a connection in good order, and resolves when the broker has done so too. */
export async function closed(peer: RawPeer): Promise<void> {
  peer.end();
  await peer.untilClosed();
}

/** Resolves when `seconds` have passed on the broker's clock: an ACK is missing for so long. */
export async function passed(t: Cleanup, port: number, seconds: number): Promise<void> {
  const clock = await connectPeer(t, port);
  await clock.ask(push("clock", "tick", seconds));
  const { reason } = await clock.frame();
  if (reason !== "ACK not received.") throw new Error(`the clock says ${reason}`);
}

/** A whole PUSH; the final response. A refusal instead of the first response is returned as it is. */
export async function pushThrough(
  peer: RawPeer,
  queueName: string,
  message: string,
  more: object = {},
): Promise<Answer> {
  const first = await peer.ask({ ...push(queueName, message), ...more });
  return first.code === 0 ? await peer.ask(ack(first.id)) : first;
}

/** A whole POP; the message, or null when none is ready. */
export async function popThrough(peer: RawPeer, queueName: string): Promise<unknown> {
  const first = await peer.ask(pop(queueName, 0));
  if (first.code !== 0) return null;
  await peer.ask(ack(first.id));
  return first.response;
}
