/** What a step of the pipeline is. */
import type { Logger } from "../core/index.js";
import type { IngestControlMessage } from "../message/index.js";

/** What a stage may use while it works on one message. */
export interface StageContext {
  /**
   * Aborted when nobody wants the work any more: the stage's time is over, the job was cancelled or
   * went to another consumer, or the pipeline stops for good. A function that never waits is not
   * interrupted; its result is then not taken.
   */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * A bare function is a stage: it gets the control message, changes it or makes another, and returns
 * it. Throwing, or returning anything that is no control message, ends the job with a failed result.
 */
export type ProcessingFunction = (
  message: IngestControlMessage,
  context: StageContext,
) => IngestControlMessage | Promise<IngestControlMessage>;

/**
 * A step with a name and, when it needs one, a life of its own.
 *
 * One job stays one message: what splits, splits rows. The runner writes traces and annotations,
 * catches what `process` throws and skips messages that failed before, so a stage only works.
 */
export interface Stage {
  /** Unique in its pipeline; stands in traces, annotations and stats. */
  readonly name: string;
  /**
   * Whether the stage has work in this message; without it, always. A stage that says no is skipped,
   * and leaves no `SUCCESS` annotation.
   */
  accepts?(message: IngestControlMessage): boolean;
  process: ProcessingFunction;
  /** Called once before the first message. */
  start?(): Promise<void>;
  /** Called once after the last message, also when `start` of another stage failed. */
  stop?(): Promise<void>;
}
