/** A message in the broker's hands: its entry in the store, and where it is now. */
import type { MessageQueue } from "./queue.js";
import type { Entry } from "./store/entry.js";

/** The right of one consumer to one message, from hand-out to acknowledgement or give-back. */
export interface Lease {
  readonly id: string;
  /** Called once when the lease is ended over its holder's head. */
  onLost: (() => void) | undefined;
}

/**
 *   ready ──take──> leased ──acknowledged──> gone, or aside
 *     ^                └────given back────> ready, aside or gone
 *     └──restore── aside: in the store, in no line: fetched results, dead letters, taken jobs
 */
export type Place = "ready" | "leased" | "aside" | "gone";

export interface QueuedMessage {
  readonly entry: Entry;
  readonly queue: MessageQueue;
  place: Place;
  /** The present lease, or the last one. */
  lease: Lease | undefined;
  /**
   * To be handed out while no other such message of its queue is: its next delivery is its last
   * one, and if it is what kills its consumers, it must not take its neighbours along.
   */
  goesAlone: boolean;
  /** What it counts against the broker's memory. */
  heldBytes: number;
}
