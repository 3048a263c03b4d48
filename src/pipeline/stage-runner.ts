/**
 * Runs one stage on one message, so that stages need to know nothing of failures, times and stops:
 * whatever a stage does, the message comes out, failed or not, within its time.
 */
import { CircuitBreakers, epochNanoseconds, type Logger, monotonicMs } from "../core/index.js";
import {
  channelInEntryKey,
  channelInExitKey,
  entryKey,
  exitKey,
  IngestControlMessage,
  LATENCY_TS_SEND,
} from "../message/index.js";
import { PipelineErrors } from "./errors.js";
import type { PipelineObserver } from "./observer.js";
import type { Stage } from "./stage.js";

export interface StageStats {
  processed: number;
  errors: number;
  /** Messages in which the stage had no work. */
  skipped: number;
  inFlight: number;
  /** Time spent in the stage, summed over messages. */
  elapsedSeconds: number;
}

export interface StageRunnerConfig {
  readonly stageTimeoutMs: number;
  readonly logger: Logger;
  readonly observer?: PipelineObserver | undefined;
}

export class StageRunner {
  readonly stage: Stage;
  readonly stats: StageStats = {
    processed: 0,
    errors: 0,
    skipped: 0,
    inFlight: 0,
    elapsedSeconds: 0,
  };
  readonly #config: StageRunnerConfig;
  readonly #circuits = new CircuitBreakers();

  constructor(stage: Stage, config: StageRunnerConfig) {
    this.stage = stage;
    this.#config = config;
  }

  /**
   * The message after the stage. A stage that throws, returns something else or takes too long makes
   * it a failed one.
   *
   * @param ends several signals, since linking them for each message would cost more than most stages.
   * @throws the reason of one of `ends`, and only that, when it fires meanwhile.
   */
  async run(
    message: IngestControlMessage,
    ends: readonly AbortSignal[],
  ): Promise<IngestControlMessage> {
    const { name } = this.stage;
    firedIn(ends)?.throwIfAborted();
    const isTraced = message.tracing;
    const identity = identityOf(message);
    const startedAt = epochNanoseconds();
    const startedAtMs = monotonicMs();
    let outcome: "processed" | "skipped" | "failed" = "processed";
    let error: unknown;
    if (isTraced) traceArrival(message, name);
    let result = message;
    try {
      if (this.stage.accepts?.(message) === false) {
        this.stats.skipped++;
        outcome = "skipped";
      } else result = await this.#process(message, ends);
      if (isTraced) result.setTimestamp(exitKey(name), epochNanoseconds());
    } catch (cause) {
      result = message;
      const end = firedIn(ends);
      if (end !== undefined) {
        restore(message, identity);
        throw end.reason;
      }
      this.stats.errors++;
      outcome = "failed";
      error = cause;
      message.fail({ stage: name, cause });
    }
    restore(result, identity);
    const durationMs = monotonicMs() - startedAtMs;
    this.#config.observer?.stageEnded?.({
      ...{ origin: message, stage: name, outcome, startedAt, durationMs, attempt: 1, error },
    });
    if (isTraced) result.setTimestamp(LATENCY_TS_SEND, epochNanoseconds());
    return result;
  }

  async #process(
    message: IngestControlMessage,
    ends: readonly AbortSignal[],
  ): Promise<IngestControlMessage> {
    const { name } = this.stage;
    const startedAtMs = monotonicMs();
    this.stats.inFlight++;
    try {
      const result = await this.#withinTime(message, ends);
      checkResult(result, name);
      result.annotate({ sourceId: name, taskId: name, taskResult: "SUCCESS" });
      this.stats.processed++;
      return result;
    } finally {
      this.stats.inFlight--;
      this.stats.elapsedSeconds += (monotonicMs() - startedAtMs) / 1000;
    }
  }

  async #withinTime(message: IngestControlMessage, ends: readonly AbortSignal[]): Promise<unknown> {
    const { stageTimeoutMs, logger } = this.#config;
    const own = new AbortController();
    const context = {
      signal: own.signal,
      logger,
      config: {},
      attempt: 1,
      circuit: (endpoint: string) => this.#circuits.of(endpoint),
    };
    const result: unknown = this.stage.process(message, context);
    if (!isThenable(result)) return result;
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown) => {
        own.abort(reason);
        settle();
        reject(reason);
      };
      const onEnd = () => giveUp(firedIn(ends)?.reason);
      const { name: stage } = this.stage;
      const timer = setTimeout(
        () => giveUp(PipelineErrors.STAGE_TIMED_OUT({ stage, stageTimeoutMs })),
        stageTimeoutMs,
      );
      const settle = () => {
        clearTimeout(timer);
        for (const end of ends) end.removeEventListener("abort", onEnd);
      };
      for (const end of ends) end.addEventListener("abort", onEnd);
      Promise.resolve(result).then(resolve, reject).finally(settle);
      if (firedIn(ends) !== undefined) onEnd();
    });
  }
}

function firedIn(ends: readonly AbortSignal[]): AbortSignal | undefined {
  return ends.find(({ aborted }) => aborted);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function traceArrival(message: IngestControlMessage, stage: string): void {
  const now = epochNanoseconds();
  message.setTimestamp(channelInEntryKey(stage), message.getTimestamp(LATENCY_TS_SEND) ?? now);
  message.setTimestamp(channelInExitKey(stage), now);
  message.setTimestamp(entryKey(stage), now);
}

function checkResult(result: unknown, stage: string): asserts result is IngestControlMessage {
  if (result instanceof IngestControlMessage) return;
  if (result === undefined || result === null) {
    throw PipelineErrors.STAGE_RETURNED_NOTHING({ stage });
  }
  throw PipelineErrors.STAGE_RETURNED_FOREIGN({ stage, type: `a value of type ${typeof result}` });
}

type Identity = readonly (readonly [key: string, value: unknown])[];

function identityOf(message: IngestControlMessage): Identity {
  const keys = ["job_id", "response_channel"].filter((key) => message.hasMetadata(key));
  return keys.map((key) => [key, message.getMetadata(key)]);
}

/** Whatever a stage did to a message, or returned instead, it answers the job that went in. */
function restore(message: IngestControlMessage, identity: Identity): void {
  for (const [key, value] of identity) message.setMetadata(key, value);
}
