/**
 * Carries messages from a source through stages into a sink. It keeps the two promises of the whole
 * project: one result per job, whatever the stages do, and the result before the acknowledgement.
 * It knows neither brokers nor bytes.
 */
import {
  Component,
  isoNow,
  type Logger,
  messageOf,
  monotonicMs,
  parseOptions,
  settlesWithin,
  sharedAbortController,
  silentLogger,
} from "../core/index.js";
import { type Chain, type Cutoffs, carry } from "./carry.js";
import { PipelineErrors } from "./errors.js";
import { nameStages } from "./name-stages.js";
import type { PipelineObserver } from "./observer.js";
import {
  type PipelineConfig,
  PipelineSettings,
  type RunConfig,
  RunOptions,
  StopOptions,
} from "./options.js";
import { type Outcome, repeat } from "./repeat.js";
import type { Sink } from "./sink.js";
import type { Source } from "./source.js";
import type { ProcessingFunction, Stage } from "./stage.js";
import { StageRunner } from "./stage-runner.js";
import type { PipelineStats } from "./stats.js";

const POLL_INTERVAL_MS = 100;
/** How long what a stop cut off may take to go back or be answered. */
const CUT_OFF_MS = 1_000;

export interface PipelineParts extends PipelineSettings {
  readonly source: Source;
  readonly sink: Sink;
  /** Run in this order. */
  readonly stages?: readonly (Stage | ProcessingFunction)[];
  /** Run in this order, after the stages. */
  readonly processingFunctions?: readonly ProcessingFunction[];
  readonly logger?: Logger;
  /** Hears what happens to each job, for metrics and traces. */
  readonly observer?: PipelineObserver | undefined;
}

export class Pipeline extends Component<StopOptions> {
  readonly #config: PipelineConfig;
  readonly #chain: Chain;
  readonly #logger: Logger;
  #fetching = sharedAbortController();
  #cutoffs = newCutoffs();
  #loops: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  #opened: Promise<void> | undefined;
  #started = Promise.resolve();
  readonly #inHand = new Set<Promise<unknown>>();
  #inFlight = 0;
  #processedCount = 0;
  #errorCount = 0;
  #lostCount = 0;
  #startTime: string | null = null;
  #lastActivityAt: string | null = null;
  readonly #observer: PipelineObserver | undefined;
  #startedAtMs = 0;
  #stoppedAtMs: number | undefined;

  /** @throws OPTIONS_INVALID, PIPELINE_NAME_TAKEN */
  constructor(parts: PipelineParts) {
    super();
    const {
      source,
      sink,
      stages = [],
      processingFunctions = [],
      logger,
      observer,
      ...settings
    } = parts;
    this.#config = parseOptions(PipelineSettings, settings, "Pipeline");
    this.#logger = logger ?? silentLogger;
    const { stageTimeoutMs } = this.#config;
    const runners = nameStages([...stages, ...processingFunctions]).map(
      (stage) => new StageRunner(stage, { stageTimeoutMs, logger: this.#logger, observer }),
    );
    this.#observer = observer;
    this.#chain = { source, sink, runners, logger: this.#logger };
  }

  /** Opens the source, the stages and the sink, and works in the background until `stop`. */
  override start(): Promise<void> {
    const opened = super.start();
    if (opened !== this.#opened) {
      this.#opened = opened;
      this.#started = opened.then(() => this.#workInBackground());
    }
    return this.#started;
  }

  /**
   * Settles when the work in the background ends: resolves after a stop, rejects with the reason
   * when the source cannot go on; the pipeline stops itself then. Undefined before `start`.
   */
  get ended(): Promise<void> | undefined {
    return this.#ended;
  }

  /**
   * Fetches no more, gives work in hand its time, and closes the parts. The first call counts; later
   * ones wait with it.
   *
   * @throws OPTIONS_INVALID, and then nothing was stopped.
   */
  override async stop(options: StopOptions = {}): Promise<void> {
    await super.stop(parseOptions(StopOptions, options, "stop"));
  }

  /**
   * Works until one of the limits is reached or `signal` fires, then stops. Returns the final stats.
   *
   * @throws OPTIONS_INVALID, PIPELINE_BUSY, and what the source throws when it cannot go on.
   */
  async run(options: RunOptions = {}): Promise<PipelineStats> {
    const limits = parseOptions(RunOptions, options, "run");
    if (this.#loops !== undefined) throw PipelineErrors.BUSY({});
    await super.start();
    // Another call may have begun to work while the parts were opened.
    if (this.#loops !== undefined) throw PipelineErrors.BUSY({});
    try {
      this.#loops = this.#repeat(limits);
      await this.#loops;
    } finally {
      await this.stop();
    }
    return this.getStats();
  }

  /**
   * Takes and works off at most one message, waiting `pollIntervalMs` for it. Whether there was one
   * and its job did not fail. Starts the parts when they are not started; `stop` them in the end.
   */
  async runSingleIteration(options: { readonly pollIntervalMs?: number } = {}): Promise<boolean> {
    await super.start();
    return (await this.#iterate(options.pollIntervalMs ?? POLL_INTERVAL_MS)) === "processed";
  }

  getStats(): PipelineStats {
    const untilMs = this.#stoppedAtMs ?? monotonicMs();
    const elapsedSeconds = this.#startTime === null ? 0 : (untilMs - this.#startedAtMs) / 1000;
    const endedCount = this.#processedCount + this.#errorCount;
    const { source, sink, runners } = this.#chain;
    return {
      running: this.state === "running",
      startTime: this.#startTime,
      elapsedSeconds,
      processedCount: this.#processedCount,
      errorCount: this.#errorCount,
      lostCount: this.#lostCount,
      inFlight: this.#inFlight,
      lastActivityAt: this.#lastActivityAt,
      processingRateCps: elapsedSeconds === 0 ? 0 : endedCount / elapsedSeconds,
      source: source.getStats(),
      sink: sink.getStats(),
      stages: Object.fromEntries(runners.map(({ stage, stats }) => [stage.name, { ...stats }])),
    };
  }

  protected override async onStart(): Promise<void> {
    this.#fetching = sharedAbortController();
    this.#cutoffs = newCutoffs();
    const { source, sink, runners } = this.#chain;
    const opened: { stop?(): Promise<void> }[] = [];
    try {
      for (const part of [...runners.map(({ stage }) => stage), sink, source]) {
        opened.unshift(part);
        await part.start?.();
      }
    } catch (error) {
      for (const part of opened) await part.stop?.().catch(() => {});
      throw error;
    }
    this.#startTime = isoNow();
    this.#startedAtMs = monotonicMs();
    this.#stoppedAtMs = undefined;
  }

  /** No more fetches; work in hand gets its time; the rest goes back or is answered as failed. */
  protected override async onStop(options?: StopOptions): Promise<void> {
    const { drain, timeoutMs, unfinished } = parseOptions(StopOptions, options, "stop");
    const { working, delivering } = this.#cutoffs;
    this.#cutoffs.unfinished = unfinished;
    this.#fetching.abort(PipelineErrors.STOPPED({}));
    const done = Promise.allSettled([this.#loops, ...this.#inHand]);
    if (!(drain && (await settlesWithin(done, timeoutMs)))) {
      working.abort(PipelineErrors.STOPPED({}));
      if (unfinished === "release") delivering.abort(PipelineErrors.STOPPED({}));
      if (!(await settlesWithin(done, CUT_OFF_MS))) {
        delivering.abort(PipelineErrors.STOPPED({}));
        await settlesWithin(done, CUT_OFF_MS);
      }
    }
    this.#loops = undefined;
    this.#stoppedAtMs = monotonicMs();
    const { source, sink, runners } = this.#chain;
    for (const part of [source, ...runners.map(({ stage }) => stage), sink]) {
      await part.stop?.().catch((error: unknown) => {
        this.#logger.error({ error: messageOf(error) }, "a part of the pipeline did not stop");
      });
    }
  }

  #workInBackground(): void {
    if (this.state !== "running" || this.#loops !== undefined) return;
    this.#loops = this.#repeat(RunOptions.parse({}));
    this.#ended = this.#loops;
    // Somebody may await `ended`; whether or not, a pipeline that cannot go on says so and stops.
    this.#loops.catch((error: unknown) => {
      this.#logger.error({ error: messageOf(error) }, "the pipeline cannot go on and stops");
      void this.stop();
    });
  }

  #repeat(options: RunConfig): Promise<void> {
    return repeat((waitMs) => this.#iterate(waitMs), {
      options,
      concurrency: this.#config.concurrency,
      fetching: this.#fetching,
      logger: this.#logger,
    });
  }

  /** A stop waits for it from the fetch on: a message may come in the very moment of the stop. */
  async #iterate(waitMs: number): Promise<Outcome> {
    const iteration = this.#fetchAndWorkOff(waitMs);
    this.#inHand.add(iteration);
    try {
      return await iteration;
    } finally {
      this.#inHand.delete(iteration);
    }
  }

  async #fetchAndWorkOff(waitMs: number): Promise<Outcome> {
    const { signal } = this.#fetching;
    this.#lastActivityAt = isoNow();
    const message = await this.#chain.source.getMessage({ signal, timeoutMs: waitMs });
    if (message === undefined) return "idle";
    this.#lastActivityAt = isoNow();
    const startedAtMs = monotonicMs();
    this.#observer?.jobFetched?.(message);
    this.#inFlight++;
    const outcome = await carry(message, this.#chain, this.#cutoffs).finally(() => {
      this.#inFlight--;
    });
    const durationMs = monotonicMs() - startedAtMs;
    if (outcome !== "idle") this.#observer?.jobEnded?.({ origin: message, outcome, durationMs });
    if (outcome === "processed") this.#processedCount++;
    else if (outcome === "lost") this.#lostCount++;
    else this.#errorCount++;
    return outcome;
  }
}

function newCutoffs(): Cutoffs {
  const [working, delivering] = [sharedAbortController(), sharedAbortController()];
  return { working, delivering, unfinished: "release" };
}
