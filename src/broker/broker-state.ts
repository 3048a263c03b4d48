/** What all connections of a broker share. */
import type { Logger } from "../core/index.js";
import type { ServerFacts } from "../wire/index.js";
import type { JobLedger } from "./job-ledger.js";
import type { BrokerConfig } from "./options.js";
import type { PushDoubts } from "./push-doubts.js";
import type { Queues } from "./queues.js";
import type { MessageStore } from "./store/message-store.js";

/** Counters only rise. */
export interface BrokerCounters {
  pings: number;
  pushes: number;
  pops: number;
  sizes: number;
  stored: number;
  delivered: number;
  /** Requests that were not valid. */
  requestsRefused: number;
  /** Pushes that found the queue, the memory or the broker closed for them. */
  pushesRefused: number;
  /** Repetitions of pushes that were stored already; nothing was stored for them. */
  duplicates: number;
  framesRefused: number;
  acksRefused: number;
  connectionsRefused: number;
}

export interface BrokerState {
  readonly config: BrokerConfig;
  readonly queues: Queues;
  readonly store: MessageStore;
  readonly doubts: PushDoubts;
  /** Without one the broker knows messages only. */
  readonly ledger: JobLedger | undefined;
  readonly counters: BrokerCounters;
  readonly facts: ServerFacts;
  readonly logger: Logger;
  /**
   * `draining` takes no pushes, so that what is queued can be fetched and worked off; `stopping`
   * answers what is asked already and closes.
   */
  readonly phase: "open" | "draining" | "stopping";
  onClose(connection: object): void;
}

export function zeroCounters(): BrokerCounters {
  return {
    pings: 0,
    pushes: 0,
    pops: 0,
    sizes: 0,
    stored: 0,
    delivered: 0,
    requestsRefused: 0,
    pushesRefused: 0,
    duplicates: 0,
    framesRefused: 0,
    acksRefused: 0,
    connectionsRefused: 0,
  };
}
