/**
 * What this room reads of pipelines, brokers and threads. It knows none of them: whoever has stats of
 * these shapes can be measured. Counters only rise; what is missing is not told.
 */

/** A pipeline's stats, with those of its threads where it has some. */
export interface PipelineFacts {
  readonly running: boolean;
  readonly inFlight: number;
  readonly bytesInFlight?: number | undefined;
  /** Since it last took or asked for work; null before the first time. */
  readonly idleSeconds?: number | null | undefined;
  /** `closed`, `half-open` or `open`, by endpoint. */
  readonly circuits?: Readonly<Record<string, string>> | undefined;
  /** Of whatever source and sink it has: numbers are read by the names that ours give them. */
  readonly source: object;
  readonly sink: object;
  /** All of them by name, where there are several; then those count. */
  readonly sources?: Readonly<Record<string, object>> | undefined;
  readonly sinks?: Readonly<Record<string, object>> | undefined;
  readonly stages: Readonly<Record<string, StageFacts>>;
  readonly workers?: ThreadFacts | undefined;
}

export interface StageFacts {
  readonly inFlight: number;
  readonly waiting?: number | undefined;
  readonly waitingBytes?: number | undefined;
  /** How many messages it may work on at a time. */
  readonly concurrency?: number | undefined;
}

export interface ThreadFacts {
  readonly threads: number;
  readonly running: number;
  readonly waiting: number;
  readonly completed: number;
  readonly failed: number;
  readonly aborted: number;
}

export interface BrokerFacts {
  readonly running: boolean;
  readonly connections: number;
  readonly queues: number;
  readonly ready: number;
  readonly inFlight: number;
  readonly waiters: number;
  readonly heldBytes: number;
  readonly stored: number;
  readonly delivered: number;
  readonly duplicates: number;
  readonly dropped: number;
  readonly requestsRefused: number;
  readonly pushesRefused: number;
  readonly framesRefused: number;
  readonly acksRefused: number;
  readonly connectionsRefused: number;
  readonly store: StoreFacts;
  readonly jobs?: JobFacts | undefined;
}

export interface StoreFacts {
  readonly storedBytes: number;
  readonly liveBytes: number;
  readonly damagedRecords: number;
  readonly isFull: boolean;
}

export interface JobFacts {
  readonly openJobs: number;
  readonly deadLetters: number;
  readonly retainedResults: number;
  readonly accepted: number;
  readonly answered: number;
  readonly givenUp: number;
  readonly cancelled: number;
  readonly lateResults: number;
  readonly replayed: number;
}

export interface QueueFacts {
  readonly ready: number;
  readonly inFlight: number;
  /** How long the oldest message waits; undefined when none does. */
  readonly oldestAgeMs: number | undefined;
}
