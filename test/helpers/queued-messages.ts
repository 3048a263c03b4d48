/** Messages and queues as a broker makes them, without its network. */
import { MessageQueue, type QueuedMessage } from "../../src/broker/queue.js";
import type { Entry } from "../../src/broker/store/entry.js";

const BASE = {
  queueName: "q",
  kind: "message",
  storedAtMs: 1_000,
  sinceMs: 1_000,
  deliveries: 0,
  isConfirmed: false,
  isTaken: false,
  fetchedAtMs: undefined,
  givenUp: undefined,
  isAnswered: false,
} as const;

/** An entry of one byte, unless told. */
export function entryOf(sequence: number, more: Partial<Entry> = {}): Entry {
  return { ...BASE, sequence, id: `id ${sequence}`, bodyBytes: 1, ...more };
}

/** A message that is in no line yet. */
export function queuedMessage(
  sequence: number,
  { queue = new MessageQueue("q"), ...more }: Partial<Entry> & { queue?: MessageQueue } = {},
): QueuedMessage {
  const entry = entryOf(sequence, { queueName: queue.name, ...more });
  return { entry, queue, place: "aside", lease: undefined, goesAlone: false, heldBytes: 0 };
}
