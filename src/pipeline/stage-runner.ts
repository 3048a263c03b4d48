/**
 * Runs one stage on messages, so that stages need to know nothing of failures, times, retries and
 * stops: whatever a stage does, the message comes out, failed or not, within its time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  backoffMs,
  type CircuitBreaker,
  epochNanoseconds,
  firedIn,
  isTransient,
  type Logger,
  linkSignals,
  monotonicMs,
  retryAfterMs,
} from "../core/index.js";
import { approximateBytes, IngestControlMessage } from "../message/index.js";
import type { PipelineObserver, StageOutcome } from "./observer.js";
import type { BatchOutcome, Stage } from "./stage.js";
import { StageCall } from "./stage-call.js";
import type { StageConfig } from "./stage-options.js";
import { checkBatch, checkResult, traceArrival, traceExit } from "./stage-result.js";
import type { Passage, Trip } from "./trip.js";
import { isThenable, type TimeBounds, withinTime } from "./within-time.js";

export interface StageCounts {
  processed: number;
  /** Messages that the stage failed on for good. */
  errors: number;
  /** Messages in which the stage had no work. */
  skipped: number;
  /** Attempts that were made again. */
  retried: number;
  inFlight: number;
  /** Time spent in the stage, summed over messages; pauses between attempts are in it. */
  elapsedSeconds: number;
}

export interface StageRunnerParts {
  readonly stage: Stage;
  readonly config: StageConfig & { readonly timeoutMs: number };
  readonly ownConfig: Readonly<Record<string, unknown>>;
  readonly logger: Logger;
  readonly circuit: (endpoint: string) => CircuitBreaker;
  readonly observer?: PipelineObserver | undefined;
}

/** What came of an attempt, perhaps later. */
interface Tried {
  readonly input: IngestControlMessage;
  readonly result: unknown;
}

interface BatchTried {
  readonly inputs: readonly IngestControlMessage[];
  readonly outcome: BatchOutcome | Whole;
}

/** What one attempt is about. */
interface Attempt {
  readonly number: number;
  readonly startedAt: bigint;
  readonly startedAtMs: number;
}

export class StageRunner {
  readonly stage: Stage;
  readonly stats: StageCounts = {
    processed: 0,
    errors: 0,
    skipped: 0,
    retried: 0,
    inFlight: 0,
    elapsedSeconds: 0,
  };
  readonly #parts: StageRunnerParts;
  /** The stage may spoil a message that is needed again. */
  readonly #needsCopies: boolean;

  constructor(parts: StageRunnerParts) {
    const { stage, config } = parts;
    this.stage = stage;
    this.#parts = parts;
    const mayGoOn = config.retry.maxAttempts > 1 || config.onError === "skip";
    this.#needsCopies = (mayGoOn || config.batch !== undefined) && stage.leavesInputAlone !== true;
  }

  /** Whether the message needs nothing of this stage; counted and traced then. */
  passesBy({ message, trip }: Passage): boolean {
    if (firedIn(trip.ends) !== undefined || !this.#isSkipped(message)) return false;
    this.#skip(message, trip);
    return true;
  }

  /**
   * Replaces the message by what the stage made of it. One that throws, returns something else or
   * takes too long makes it a failed one, unless `onError` says otherwise. When one of its trip's
   * ends fires, before or meanwhile, the passage is left as it is.
   *
   * Undefined when it is done at once, without the turn of the event loop that a promise costs. Never
   * rejects.
   */
  run(passage: Passage): Promise<void> | undefined {
    const { message, trip } = passage;
    if (firedIn(trip.ends) !== undefined) return undefined;
    if (this.#isSkipped(message)) {
      this.#skip(message, trip);
      return undefined;
    }
    const startedAtMs = this.#enter(message);
    const first = this.#attempt(passage, 1);
    if (!isThenable(first.result) && first.result instanceof IngestControlMessage) {
      this.#succeed(passage, first.result, first);
      this.#leave(startedAtMs, 1);
      return undefined;
    }
    return this.#runOn(passage, first).finally(() => this.#leave(startedAtMs, 1));
  }

  async #runOn(passage: Passage, first: Attempt & Tried): Promise<void> {
    const { trip } = passage;
    const trips = [trip];
    for (let attempt = first; ; attempt = this.#attempt(passage, attempt.number + 1)) {
      try {
        const result: unknown = await attempt.result;
        checkResult(result, this.stage.name);
        this.#succeed(passage, result, attempt);
        return;
      } catch (error) {
        // Whatever was thrown after an end fired came of it.
        if (firedIn(trip.ends) !== undefined) return;
        if (!(await this.#mayRetry(error, { trips, attempt, ends: trip.ends }))) {
          this.#fail(passage, error, { attempt, left: attempt.input });
          return;
        }
        if (firedIn(trip.ends) !== undefined) return;
      }
    }
  }

  /**
   * As `run`, for several at once. Those that fail in a batch that others come through fail alone; a
   * batch that fails as a whole is taken apart. Passages whose trip has ended are left as they are.
   */
  async runBatch(passages: readonly Passage[]): Promise<void> {
    const given = passages.filter(({ trip, message }) => {
      if (firedIn(trip.ends) !== undefined) return false;
      if (!this.#isSkipped(message)) return true;
      this.#skip(message, trip);
      return false;
    });
    if (given.length === 0) return;
    const startedAtMs = monotonicMs();
    for (const { message } of given) this.#enter(message);
    try {
      await this.#attempts(given, 1);
    } finally {
      this.#leave(startedAtMs, given.length);
    }
  }

  async #attempts(given: readonly Passage[], first: number): Promise<void> {
    let pending = given;
    for (let number = first; pending.length > 0; number++) {
      pending = pending.filter(({ trip }) => firedIn(trip.ends) === undefined);
      if (pending.length === 0) return;
      const attempt = this.#begin(number);
      const { inputs, outcome } = await this.#batchOnce(pending, number);
      // All have the same stop; a job that is lost meanwhile is cut off where it is handed on.
      const ends = (pending[0] as Passage).trip.ends.slice(-1);
      if (firedIn(ends) !== undefined) return;
      if (outcome instanceof Whole) {
        const { error } = outcome;
        const trips = pending.map(({ trip }) => trip);
        if (await this.#mayRetry(error, { trips, attempt, ends })) continue;
        const [only, ...others] = pending;
        if (others.length > 0)
          for (const passage of pending) await this.#attempts([passage], number + 1);
        else
          this.#fail(only as Passage, error, { attempt, left: inputs[0] as IngestControlMessage });
        return;
      }
      pending = await this.#sort(pending, inputs, { outcome, attempt, ends });
    }
  }

  /** Takes what came out of a batch; returns those that are worth another attempt, after a pause. */
  async #sort(
    pending: readonly Passage[],
    inputs: readonly IngestControlMessage[],
    made: { outcome: BatchOutcome; attempt: Attempt; ends: readonly AbortSignal[] },
  ): Promise<Passage[]> {
    const { outcome, attempt, ends } = made;
    const again: Passage[] = [];
    let worst: unknown;
    for (const [index, passage] of pending.entries()) {
      const result: unknown = outcome[index];
      const error = faultOf(result, this.stage.name);
      if (error === undefined) this.#succeed(passage, result as IngestControlMessage, attempt);
      else if (this.#pauseMs(error, attempt.number) === undefined) {
        this.#fail(passage, error, { attempt, left: inputs[index] as IngestControlMessage });
      } else {
        again.push(passage);
        worst = error;
      }
    }
    const trips = again.map(({ trip }) => trip);
    if (again.length > 0) await this.#mayRetry(worst, { trips, attempt, ends });
    return again;
  }

  async #batchOnce(pending: readonly Passage[], number: number): Promise<BatchTried> {
    const { stage } = this;
    const ends = (pending[0] as Passage).trip.ends.slice(-1);
    let inputs = pending.map(({ message }) => message);
    try {
      if (this.#needsCopies) inputs = inputs.map((message) => message.copy());
      const call = this.#call(number);
      const result: unknown = stage.processBatch?.(inputs, call);
      const outcome = isThenable(result)
        ? await withinTime(result, call, this.#bounds(ends))
        : result;
      const count = inputs.length;
      return { inputs, outcome: checkBatch(outcome, { stage: stage.name, count }) };
    } catch (error) {
      return { inputs, outcome: new Whole(error) };
    }
  }

  /** Makes one attempt; its result is a rejected promise when the stage throws at once. */
  #attempt({ message, trip }: Passage, number: number): Attempt & Tried {
    const { startedAt, startedAtMs } = this.#begin(number);
    const call = this.#call(number);
    let input = message;
    let result: unknown;
    try {
      // What a stage before has put into a message may not be copyable.
      if (this.#needsCopies) input = message.copy();
      result = this.stage.process(input, call);
      if (isThenable(result)) result = withinTime(result, call, this.#bounds(trip.ends));
    } catch (error) {
      result = Promise.reject(error);
    }
    return { number, startedAt, startedAtMs, input, result };
  }

  #bounds(ends: readonly AbortSignal[]): TimeBounds {
    const { name, keepsTime } = this.stage;
    const timeoutMs = keepsTime === true ? undefined : this.#parts.config.timeoutMs;
    return { ends, timeoutMs, stage: name };
  }

  #call(attempt: number): StageCall {
    const { logger, circuit, ownConfig: config } = this.#parts;
    const { timeoutMs } = this.#parts.config;
    return new StageCall({ logger, circuit, config, timeoutMs, attempt });
  }

  /** `accepts` that throws makes the stage fail, where it is called again. */
  #isSkipped(message: IngestControlMessage): boolean {
    if (message.failed) return true;
    try {
      return this.stage.accepts?.(message) === false;
    } catch {
      return false;
    }
  }

  #skip(message: IngestControlMessage, { origin }: Trip): void {
    if (message.failed) return;
    this.stats.skipped++;
    const { name } = this.stage;
    const { observer } = this.#parts;
    if (message.tracing) {
      traceArrival(message, name);
      traceExit(message, name);
    }
    if (observer?.stageEnded === undefined) return;
    observer.stageEnded({
      origin,
      stage: name,
      outcome: "skipped",
      startedAt: epochNanoseconds(),
      durationMs: 0,
      attempt: 1,
    });
  }

  #enter(message: IngestControlMessage): number {
    if (message.tracing) traceArrival(message, this.stage.name);
    this.stats.inFlight++;
    return monotonicMs();
  }

  #leave(startedAtMs: number, count: number): void {
    this.stats.inFlight -= count;
    this.stats.elapsedSeconds += ((monotonicMs() - startedAtMs) / 1000) * count;
  }

  #begin(number: number): Attempt {
    if (this.#parts.observer?.stageEnded === undefined) return { number, ...UNOBSERVED };
    return { number, startedAt: epochNanoseconds(), startedAtMs: monotonicMs() };
  }

  #succeed(passage: Passage, result: IngestControlMessage, attempt: Attempt): void {
    const { name, leavesInputAlone } = this.stage;
    if (leavesInputAlone === true && result === passage.message) {
      // Its thread was asked whether there is work in it, and said no.
      this.stats.skipped++;
      this.#tell(passage.trip, "skipped", attempt);
      return;
    }
    passage.trip.identify(result);
    result.annotate({ sourceId: name, taskId: name, taskResult: "SUCCESS" });
    if (result.tracing) traceExit(result, name);
    passage.message = result;
    passage.trip.resized(passage, approximateBytes(result));
    this.stats.processed++;
    this.#tell(passage.trip, "processed", attempt);
  }

  #fail(
    passage: Passage,
    cause: unknown,
    { attempt, left }: { readonly attempt: Attempt; readonly left: IngestControlMessage },
  ): void {
    const { name: stage } = this.stage;
    const { onError } = this.#parts.config;
    const failure = { stage, cause, attempts: attempt.number };
    this.stats.errors++;
    if (onError === "continue") {
      passage.message = left;
      left.noteError(failure, "the job went on with what the stage had done (onError: continue)");
    } else if (onError === "skip") {
      passage.message.noteError(failure, "the job went on without this stage (onError: skip)");
    } else {
      passage.message.fail(failure);
    }
    passage.trip.identify(passage.message);
    if (passage.message.tracing) traceExit(passage.message, stage);
    this.#tell(passage.trip, "failed", attempt, cause);
  }

  /** Pauses when the error is worth another attempt, and says whether it is. */
  async #mayRetry(
    error: unknown,
    made: {
      readonly trips: readonly Trip[];
      readonly attempt: Attempt;
      readonly ends: readonly AbortSignal[];
    },
  ): Promise<boolean> {
    const { trips, attempt, ends } = made;
    const pauseMs = this.#pauseMs(error, attempt.number);
    if (pauseMs === undefined) return false;
    this.stats.retried += trips.length;
    for (const trip of trips) this.#tell(trip, "retried", attempt, error);
    const { signal, unlink } = linkSignals(...ends);
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    unlink();
    return true;
  }

  /** Undefined when there is to be no other attempt. */
  #pauseMs(error: unknown, number: number): number | undefined {
    const { maxAttempts, baseMs, maxMs, maxRetryAfterMs } = this.#parts.config.retry;
    if (number >= maxAttempts || !isTransient(error)) return undefined;
    const askedMs = retryAfterMs(error) ?? 0;
    if (askedMs > maxRetryAfterMs) return undefined;
    return Math.max(askedMs, backoffMs(number - 1, baseMs, maxMs));
  }

  #tell({ origin }: Trip, outcome: StageOutcome, attempt: Attempt, error?: unknown): void {
    const { observer } = this.#parts;
    if (observer?.stageEnded === undefined) return;
    // One literal: building it in parts took more time than all listeners together.
    observer.stageEnded({
      origin,
      stage: this.stage.name,
      outcome,
      startedAt: attempt.startedAt,
      durationMs: monotonicMs() - attempt.startedAtMs,
      attempt: attempt.number,
      error,
    });
  }
}

/** Nobody asks for the time of an attempt. */
const UNOBSERVED = { startedAt: 0n, startedAtMs: 0 };

/** Why a batch failed as a whole. */
class Whole {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

function faultOf(result: unknown, stage: string): unknown {
  try {
    if (result instanceof Error) return result;
    checkResult(result, stage);
    return undefined;
  } catch (error) {
    return error;
  }
}
