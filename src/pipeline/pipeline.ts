/**
 * Carries messages from sources through stages into sinks: its life, its loops and its counts. What
 * happens to one message on its way is the business of `flow.ts`. It knows neither brokers nor bytes.
 */
import {
  CircuitBreakers,
  Component,
  isoNow,
  type Logger,
  messageOf,
  monotonicMs,
  parseOptions,
  residentFraction,
  settlesWithin,
  sharedAbortController,
  silentLogger,
} from "../core/index.js";
import { CheckpointPlan } from "./checkpoint/checkpoint-plan.js";
import { PipelineErrors } from "./errors.js";
import { Flow } from "./flow.js";
import { planGraph } from "./graph.js";
import { guardObserver } from "./observer.js";
import {
  type PipelineConfig,
  PipelineSettings,
  type RunConfig,
  RunOptions,
  StopOptions,
} from "./options.js";
import { type BuilderSettings, PipelineBuilder } from "./pipeline-builder.js";
import { type GraphParts, type PipelineParts, placesOf, readParts } from "./pipeline-parts.js";
import { type Outcome, repeat } from "./repeat.js";
import { Scaler } from "./scaling.js";
import type { Sink } from "./sink.js";
import type { Source } from "./source.js";
import { readStages } from "./stage-entries.js";
import { StageRunner } from "./stage-runner.js";
import type { PipelineStats, StageStats } from "./stats.js";
import type { Cutoffs } from "./trip.js";

const POLL_INTERVAL_MS = 100;
/** How long what a stop cut off may take to go back or be answered. */
const CUT_OFF_MS = 1_000;
/** How long the stop of one source, stage or sink may take. */
const CLOSE_MS = 10_000;

interface Part {
  start?(): Promise<void>;
  stop?(): Promise<void>;
}

export class Pipeline extends Component<StopOptions> {
  readonly #config: PipelineConfig & { readonly concurrency: number };
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #sinks: ReadonlyMap<string, Sink>;
  readonly #runners: readonly StageRunner[];
  readonly #flow: Flow;
  readonly #scaler: Scaler;
  readonly #circuits = new CircuitBreakers();
  readonly #checkpoints: CheckpointPlan | undefined;
  readonly #logger: Logger;
  #fetching = sharedAbortController();
  #cutoffs = newCutoffs();
  #loops: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  #opened: Promise<void> | undefined;
  #started = Promise.resolve();
  readonly #inHand = new Set<Promise<unknown>>();
  readonly #counts = { processed: 0, failed: 0, undelivered: 0, lost: 0 };
  #startTime: string | null = null;
  #startedAtMs = 0;
  #stoppedAtMs: number | undefined;
  #lastActivityMs: number | undefined;

  /** Builds a pipeline part by part: `addSource addStage addSink addEdge build`. */
  static builder(settings: BuilderSettings = {}): PipelineBuilder<Pipeline> {
    return new PipelineBuilder(settings, (parts) => new Pipeline(parts));
  }

  /** @throws OPTIONS_INVALID, PIPELINE_GRAPH_INVALID, PIPELINE_BATCH_UNSUPPORTED */
  constructor(parts: PipelineParts | GraphParts) {
    super();
    const { stages: entries, settings, edges, sources, sinks, ...rest } = readParts(parts);
    const config = parseOptions(PipelineSettings, settings, "Pipeline");
    const stages = readStages(entries);
    this.#logger = rest.logger ?? silentLogger;
    this.#config = { ...config, concurrency: config.concurrency ?? placesOf(stages) };
    this.#sources = new Map(sources);
    this.#sinks = new Map(sinks);
    const plan = planGraph({
      sources: sources.map(([name]) => name),
      stages: stages.map(({ stage: { name }, runsAfter }) => ({ name, runsAfter })),
      sinks: sinks.map(([name, { replies = true }]) => ({ name, replies })),
      edges,
      needsChain: rest.checkpoints !== undefined,
    });
    const observer = guardObserver(rest.observer, this.#logger);
    const circuit = (endpoint: string) => this.#circuits.of(endpoint);
    this.#runners = stages.map(({ stage, ownConfig, config: { timeoutMs, ...own } }) => {
      const withTime = { ...own, timeoutMs: timeoutMs ?? config.stageTimeoutMs };
      const means = { logger: this.#logger, circuit, observer };
      return new StageRunner({ stage, config: withTime, ownConfig, ...means });
    });
    this.#checkpoints =
      rest.checkpoints &&
      new CheckpointPlan(
        stages.map(({ stage, ownConfig, config: { checkpoint } }) => ({
          stage,
          config: ownConfig,
          checkpoint,
        })),
        rest.checkpoints,
        this.#logger,
      );
    this.#flow = new Flow({
      plan,
      sources: this.#sources,
      sinks: this.#sinks,
      stages: stages.map((stage, index) => ({
        config: stage.config,
        runner: this.#runners[index] as StageRunner,
      })),
      concurrency: this.#config.concurrency,
      isOrdered: config.ordered,
      maxBytesInFlight: config.maxBytesInFlight,
      checkpoints: this.#checkpoints,
      observer,
      logger: this.#logger,
    });
    this.#scaler = new Scaler(
      stages.flatMap(({ stage: { name }, config: { concurrency } }) => {
        const node = this.#flow.nodes.get(name);
        return typeof concurrency === "object" && node ? [{ node, ...concurrency }] : [];
      }),
      { memoryThreshold: config.memoryThreshold, memoryFraction: residentFraction },
    );
  }

  /** Opens the sources, the stages and the sinks, and works in the background until `stop`. */
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
   * when a source cannot go on; the pipeline stops itself then. Undefined before `start`.
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
   * @throws OPTIONS_INVALID, PIPELINE_BUSY, and what a source throws when it cannot go on.
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
   * Takes and works off at most one message of the first source, waiting `pollIntervalMs` for it.
   * Whether there was one and its job did not fail. Starts the parts when they are not started;
   * `stop` them in the end.
   */
  async runSingleIteration(options: { readonly pollIntervalMs?: number } = {}): Promise<boolean> {
    await super.start();
    const [source] = this.#sources.keys();
    const waitMs = options.pollIntervalMs ?? POLL_INTERVAL_MS;
    return (await this.#iterate(source as string, waitMs)) === "processed";
  }

  getStats(): PipelineStats {
    const untilMs = this.#stoppedAtMs ?? monotonicMs();
    const elapsedSeconds = this.#startTime === null ? 0 : (untilMs - this.#startedAtMs) / 1000;
    const { processed, failed, undelivered, lost } = this.#counts;
    const [source, sink] = [statsOf(this.#sources), statsOf(this.#sinks)];
    const idleMs = this.#lastActivityMs && monotonicMs() - this.#lastActivityMs;
    return {
      running: this.state === "running",
      startTime: this.#startTime,
      elapsedSeconds,
      processedCount: processed,
      errorCount: failed + undelivered,
      lostCount: lost,
      inFlight: this.#flow.intake.jobCount,
      bytesInFlight: this.#flow.intake.bytes,
      processingRateCps:
        elapsedSeconds === 0 ? 0 : (processed + failed + undelivered) / elapsedSeconds,
      idleSeconds: idleMs === undefined ? null : idleMs / 1000,
      source: source.first,
      sink: sink.first,
      ...(source.all && { sources: source.all }),
      ...(sink.all && { sinks: sink.all }),
      stages: Object.fromEntries(this.#runners.map((runner) => this.#stageStats(runner))),
      circuits: this.#circuits.states(),
      ...(this.#checkpoints && { checkpoints: this.#checkpoints.getStats() }),
    };
  }

  protected override async onStart(): Promise<void> {
    this.#fetching = sharedAbortController();
    this.#fetching.signal.addEventListener("abort", () => this.#flow.hurry(true));
    this.#flow.hurry(false);
    this.#cutoffs = newCutoffs();
    const opened: Part[] = [];
    try {
      for (const part of this.#parts(["stages", "sinks", "sources"])) {
        opened.unshift(part);
        await part.start?.();
      }
    } catch (error) {
      for (const part of opened) await this.#close(part);
      throw error;
    }
    this.#checkpoints?.start();
    this.#scaler.start();
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
    this.#scaler.stop();
    this.#loops = undefined;
    this.#stoppedAtMs = monotonicMs();
    for (const part of this.#parts(["sources", "stages", "sinks"])) await this.#close(part);
  }

  /** Whatever the part does: in plain JavaScript it may return nothing, throw at once or never end. */
  async #close(part: Part): Promise<void> {
    const closing = (async () => part.stop?.())();
    closing.catch((error: unknown) => {
      this.#logger.error({ error: messageOf(error) }, "a part of the pipeline did not stop");
    });
    if (await settlesWithin(closing, CLOSE_MS)) return;
    this.#logger.error({ closeMs: CLOSE_MS }, "a part of the pipeline does not end its stop");
  }

  #parts(kinds: readonly ("sources" | "stages" | "sinks")[]): Part[] {
    const parts = {
      sources: [...this.#sources.values()],
      stages: this.#runners.map(({ stage }) => stage),
      sinks: [...this.#sinks.values()],
    };
    return kinds.flatMap((kind): Part[] => parts[kind]);
  }

  #stageStats({ stage, stats }: StageRunner): [name: string, stats: StageStats] {
    const node = this.#flow.nodes.get(stage.name);
    const line = {
      waiting: node?.waitingCount ?? 0,
      waitingBytes: node?.waitingBytes ?? 0,
      queueFull: node?.heldBackCount ?? 0,
    };
    return [stage.name, { ...stats, ...line, concurrency: node?.limit ?? 0 }];
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

  /** The places are dealt out among the sources, one at least to each. */
  #repeat(options: RunConfig): Promise<void> {
    const sources = [...this.#sources.keys()];
    const count = Math.max(sources.length, this.#config.concurrency);
    const loops = Array.from({ length: count }, (_, index) => {
      const source = sources[index % sources.length] as string;
      return (waitMs: number) => this.#iterate(source, waitMs);
    });
    return repeat(loops, { options, fetching: this.#fetching, logger: this.#logger });
  }

  /** A stop waits for it from the fetch on: a message may come in the very moment of the stop. */
  async #iterate(source: string, waitMs: number): Promise<Outcome> {
    const iteration = this.#flow.fetchAndCarry(source, {
      waitMs,
      fetching: this.#fetching.signal,
      cutoffs: this.#cutoffs,
      onActivity: () => {
        this.#lastActivityMs = monotonicMs();
      },
    });
    this.#inHand.add(iteration);
    try {
      const outcome = await iteration;
      if (outcome !== "idle") this.#counts[outcome]++;
      return outcome;
    } finally {
      this.#inHand.delete(iteration);
    }
  }
}

function newCutoffs(): Cutoffs {
  const [working, delivering] = [sharedAbortController(), sharedAbortController()];
  return { working, delivering, unfinished: "release" };
}

function statsOf(parts: ReadonlyMap<string, { getStats(): object }>) {
  const all = Object.fromEntries([...parts].map(([name, part]) => [name, part.getStats()]));
  return { first: Object.values(all)[0] as object, all: parts.size > 1 ? all : undefined };
}
