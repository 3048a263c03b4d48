/** What the ledger knows of one job. */
import type { QueuedMessage } from "../../broker/index.js";

/**
 *   open ──admitted──> answering ──ACK──> storing ──stored──> over ──kept long enough──> forgotten
 *    ^ └────dismissed────┘ │                 │                 ^
 *    │ └────not stored─────┼─────────────────┘                 │
 *    │                     v                                   │
 *    │   open, answering ──cancel, give up──> ending ──the ledger's own answer is stored──> over
 *    └──replay── over, with its task as a dead letter
 *
 * While a result is on its way to the disk nothing else ends its job: there would be two.
 */
export type JobState = "open" | "answering" | "storing" | "ending" | "over";

export interface Job {
  readonly id: string;
  state: JobState;
  /** The job's own message; undefined when it is needed no more. */
  task: QueuedMessage | undefined;
  result: QueuedMessage | undefined;
  isCancelled: boolean;
  /** The body of its task is gone, so it cannot be done again. */
  isBodyLost: boolean;
  /** Settles when the ledger's own answer is stored. */
  ended: Promise<void> | undefined;
  /** Who waits until it is no longer `storing`. */
  waiting: (() => void)[] | undefined;
  /** What happened while it was `storing`, to be done should its result not be stored. */
  deferred: (() => void)[] | undefined;
}

export function newJob(id: string, state: JobState): Job {
  return {
    id,
    state,
    task: undefined,
    result: undefined,
    isCancelled: false,
    isBodyLost: false,
    ended: undefined,
    waiting: undefined,
    deferred: undefined,
  };
}
