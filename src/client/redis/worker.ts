/** What a client is in Redis while it takes messages of a queue, until its lease is over. */
import type { Places } from "./places.js";
import type { RedisDelivery } from "./redis-delivery.js";

export interface Worker {
  readonly id: string;
  readonly places: Places;
  /** By their places. */
  readonly deliveries: Map<number, RedisDelivery>;
  /** Places whose content is unknown, because an answer was lost. */
  readonly doubtful: Set<number>;
  /** Monotonic, of the last beat that Redis took. */
  seenMs: number;
  /** Of the last delivery. */
  sequence: number;
}
