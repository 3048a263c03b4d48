/** What a step of the pipeline is. */
import type { CircuitBreaker, Logger } from "../core/index.js";
import type { IngestControlMessage } from "../message/index.js";
import type { StageOptions } from "./stage-options.js";

/** What a stage may use while it works on one message. */
export interface StageContext {
  /**
   * Aborted when nobody wants the work any more: the stage's time is over, the job was cancelled or
   * went to another consumer, or the pipeline stops for good. A function that never waits is not
   * interrupted; its result is then not taken.
   */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** The stage's own options, checked by its schema where it has one; `{}` when none were given. */
  readonly config: Readonly<Record<string, unknown>>;
  /** How long this attempt may take, in milliseconds, before its signal fires. */
  readonly timeoutMs: number;
  /** 1 for the first attempt at this message in this stage. */
  readonly attempt: number;
  /** The circuit breaker of an endpoint, one for all stages that call it. */
  circuit(endpoint: string): CircuitBreaker;
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
 * As `ProcessingFunction`, for several messages at once. It returns as many as it got, in their
 * order; an `Error` in the place of one fails that one alone. When it throws, each message is tried
 * once more by itself, so that one bad message fails alone.
 */
export type BatchFunction = (
  messages: readonly IngestControlMessage[],
  context: StageContext,
) => BatchOutcome | Promise<BatchOutcome>;

export type BatchOutcome = readonly (IngestControlMessage | Error)[];

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
   * Changes whenever the stage's results do. Part of the key of a checkpoint; a stage without one
   * counts as never changed.
   */
  readonly version?: string;
  /**
   * Whether the stage has work in this message; without it, always. A stage that says no is skipped,
   * and leaves no `SUCCESS` annotation.
   */
  accepts?(message: IngestControlMessage): boolean;
  process: ProcessingFunction;
  /** Used instead of `process` where the pipeline batches. */
  processBatch?: BatchFunction;
  /**
   * The stage works on copies, so a message that failed in it is as it was before. When it returns the
   * very message that it got, it had no work in it.
   */
  readonly leavesInputAlone?: boolean;
  /** The stage ends within `context.timeoutMs` of its work by itself; waits before it do not count. */
  readonly keepsTime?: boolean;
  /** Called once before the first message. */
  start?(): Promise<void>;
  /** Called once after the last message, also when `start` of another stage failed. */
  stop?(): Promise<void>;
}

/** A stage with what its pipeline should do about it; beside it the members of `StageOptions`. */
export interface StageWithOptions extends StageOptions {
  readonly stage: Stage | ProcessingFunction;
  /** Stands for the stage's own name. */
  readonly name?: string;
  /** For `context.config`; also part of the key of a checkpoint. `{}` unless given. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Stages that every message must have come through before this one; checked, not arranged. */
  readonly runsAfter?: readonly string[];
}

export type StageEntry = Stage | ProcessingFunction | StageWithOptions;
