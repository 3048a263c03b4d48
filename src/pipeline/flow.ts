/**
 * The graph at work: carries each job from its source through the stages to the sink that answers it,
 * and keeps the two promises: whatever happens there is one result, and the result comes before the
 * acknowledgement.
 */
import { firedIn, type Logger, messageOf, monotonicMs } from "../core/index.js";
import { approximateBytes, type IngestControlMessage } from "../message/index.js";
import type { CheckpointPlan } from "./checkpoint/checkpoint-plan.js";
import type { GraphPlan } from "./graph.js";
import { GraphNode } from "./graph-node.js";
import { Intake } from "./intake.js";
import type { PipelineObserver } from "./observer.js";
import type { Outcome } from "./repeat.js";
import type { Sink } from "./sink.js";
import { SinkCall } from "./sink-call.js";
import type { Source } from "./source.js";
import type { StageConfig } from "./stage-options.js";
import type { StageRunner } from "./stage-runner.js";
import { type Cutoffs, type Passage, Trip } from "./trip.js";

/** A sink has no inbox of its own to speak of: its line is the places of the pipeline. */
const SINK_INBOX = { maxMessages: 32, maxBytes: Number.MAX_SAFE_INTEGER };

export interface FlowStage {
  readonly runner: StageRunner;
  readonly config: StageConfig;
}

export interface FlowParts {
  readonly plan: GraphPlan;
  readonly sources: ReadonlyMap<string, Source>;
  readonly stages: readonly FlowStage[];
  readonly sinks: ReadonlyMap<string, Sink>;
  /** Messages in work at a time. */
  readonly concurrency: number;
  readonly isOrdered: boolean;
  readonly maxBytesInFlight: number;
  readonly checkpoints?: CheckpointPlan | undefined;
  readonly observer?: PipelineObserver | undefined;
  readonly logger: Logger;
}

export interface FetchBounds {
  readonly waitMs: number;
  readonly fetching: AbortSignal;
  readonly cutoffs: Cutoffs;
  /** Told when the source is about to be asked, and when a message has come. */
  readonly onActivity: () => void;
}

/** A job that is on its way. */
interface Begun {
  readonly passage: Passage;
  readonly source: Source;
  readonly startedAtMs: number;
}

export class Flow {
  readonly intake: Intake;
  readonly nodes = new Map<string, GraphNode>();
  readonly #parts: FlowParts;
  /** Of each source. */
  readonly #entries = new Map<string, readonly GraphNode[]>();
  /** The last fetch of each source, when messages stay in order. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(parts: FlowParts) {
    const { plan, sources, stages, sinks, maxBytesInFlight } = parts;
    this.#parts = parts;
    this.intake = new Intake(maxBytesInFlight);
    for (const [index, stage] of stages.entries()) this.#addStage(stage, index);
    for (const [name, sink] of sinks) this.#addSink(name, sink);
    for (const name of sources.keys()) {
      const next = plan.next.get(name) ?? [];
      this.#entries.set(
        name,
        next.map((to) => this.nodes.get(to) as GraphNode),
      );
      for (const entry of this.#entries.get(name) ?? []) entry.onRoom = () => this.intake.wake();
    }
  }

  /** Whether batches wait for others no longer. */
  hurry(isHurried: boolean): void {
    for (const node of this.nodes.values()) node.isHurried = isHurried;
  }

  /** Fetches one message, when there is a place for it, and carries it to its end. */
  async fetchAndCarry(sourceName: string, bounds: FetchBounds): Promise<Outcome> {
    const begun = await (this.#parts.isOrdered
      ? this.#inTurn(sourceName, bounds)
      : this.#begin(sourceName, bounds));
    return begun === undefined ? "idle" : this.#finish(begun);
  }

  /** In order, one message must be on its way before the next is asked for. */
  async #inTurn(sourceName: string, bounds: FetchBounds): Promise<Begun | undefined> {
    const endMs = monotonicMs() + bounds.waitMs;
    const previous = this.#turns.get(sourceName);
    const begun = (async () => {
      await previous?.catch(() => {});
      return this.#begin(sourceName, { ...bounds, waitMs: Math.max(1, endMs - monotonicMs()) });
    })();
    this.#turns.set(sourceName, begun);
    return begun;
  }

  /** Undefined when no message came. */
  async #begin(sourceName: string, bounds: FetchBounds): Promise<Begun | undefined> {
    const { sources, observer } = this.#parts;
    const source = sources.get(sourceName) as Source;
    const entries = this.#entries.get(sourceName) as readonly GraphNode[];
    const fetched = await this.#fetch(source, entries, bounds);
    if (fetched === undefined) return undefined;
    const { origin, bytes } = fetched;
    const delivery = source.deliveryOf?.(origin) ?? {};
    const onBytes = (delta: number) => this.intake.resized(delta);
    const trip = new Trip({ origin, delivery, cutoffs: bounds.cutoffs, onBytes });
    const startedAtMs = monotonicMs();
    observer?.jobFetched?.(origin);
    const passage = trip.start(origin, bytes);
    const from = await this.#resume(passage, sourceName);
    this.intake.release(entries);
    const taken = this.#handOn(passage, from);
    if (this.#parts.isOrdered) await taken;
    return { passage, source, startedAtMs };
  }

  async #fetch(
    source: Source,
    entries: readonly GraphNode[],
    { waitMs, fetching: signal, onActivity }: FetchBounds,
  ): Promise<{ origin: IngestControlMessage; bytes: number } | undefined> {
    while (await this.intake.admit(entries, signal)) {
      let origin: IngestControlMessage | undefined;
      let bytes: number | undefined;
      try {
        onActivity();
        origin = await source.getMessage({ signal, timeoutMs: waitMs });
        if (origin !== undefined) bytes = approximateBytes(origin);
      } finally {
        if (bytes === undefined) this.intake.settle(entries);
      }
      if (origin === undefined || bytes === undefined) return undefined;
      onActivity();
      if (this.intake.settle(entries, bytes)) return { origin, bytes };
      await source.release(origin);
    }
    return undefined;
  }

  /** What it came to. Rejects only when a part breaks its own promises. */
  async #finish({ passage, source, startedAtMs }: Begun): Promise<Outcome> {
    const { trip } = passage;
    const isDelivered = await trip.isDelivered;
    await trip.sides();
    const outcome = await this.#settle(passage, { source, isDelivered });
    this.intake.ended();
    const durationMs = monotonicMs() - startedAtMs;
    const { failedReason } = passage.message;
    this.#parts.observer?.jobEnded?.({ origin: trip.origin, outcome, durationMs, failedReason });
    return outcome;
  }

  async #settle(
    { trip, message }: Passage,
    { source, isDelivered }: { readonly source: Source; readonly isDelivered: boolean },
  ): Promise<Exclude<Outcome, "idle">> {
    try {
      if (isDelivered) await source.acknowledge(trip.origin);
      else await source.release(trip.origin);
    } catch (error) {
      if (!trip.isLost) {
        // The job comes again. Its second result is the same, or refused as late.
        this.#parts.logger.error({ error: messageOf(error) }, "a job could not be settled");
        return isDelivered ? "failed" : "undelivered";
      }
    }
    if (trip.isLost) return "lost";
    if (!isDelivered) return "undelivered";
    return message.failed ? "failed" : "processed";
  }

  /** Goes on behind the last checkpoint of an equal job. The part from which it is handed on. */
  async #resume(passage: Passage, sourceName: string): Promise<string> {
    const { checkpoints, stages, isOrdered } = this.#parts;
    if (checkpoints === undefined || passage.message.failed) return sourceName;
    const run = await checkpoints.begin(passage.message);
    passage.trip.checkpoints = run;
    passage.trip.resized(passage, approximateBytes(passage.message));
    // In order, it takes the whole way past those before it; the stages let it by.
    return run.next === 0 || isOrdered
      ? sourceName
      : (stages[run.next - 1] as FlowStage).runner.stage.name;
  }

  /** To the parts that come next. Undefined when all have taken it, else settles when they have. */
  #handOn(passage: Passage, from: string): Promise<void> | undefined {
    const { trip } = passage;
    if (passage.isCut) {
      trip.arrived(passage, false);
      return undefined;
    }
    const { plan } = this.#parts;
    const next = plan.next.get(from) as readonly string[];
    const [only] = next;
    if (next.length === 1 && only !== undefined) return this.#node(only).offer(passage);
    const main = next.find((to) => plan.leadsToReply(from, to));
    // Copies first: the part that gets the message itself may change it at once.
    const copies = next
      .filter((to) => to !== main || !passage.isMain)
      .map((to) => ({ to, copy: trip.branch(passage) }));
    const taken = copies.map(({ to, copy }) => this.#node(to).offer(copy));
    if (passage.isMain) taken.push(this.#node(main as string).offer(passage));
    else trip.arrived(passage, true);
    return taken.some((each) => each !== undefined) ? Promise.all(taken).then(() => {}) : undefined;
  }

  #node(name: string): GraphNode {
    return this.nodes.get(name) as GraphNode;
  }

  #addStage({ runner, config }: FlowStage, index: number): void {
    const { concurrency, isOrdered, sources } = this.#parts;
    const { name } = runner.stage;
    const { concurrency: own = concurrency } = config;
    const { inbox, batch } = boundsOf(config, Math.max(concurrency, sources.size));
    const cut = (passages: readonly Passage[]) => {
      for (const passage of passages) cutIfEnded(passage, name);
    };
    const keep = async (passages: readonly Passage[]) => {
      if (!config.checkpoint) return;
      for (const passage of passages) await saveCheckpoint(passage, index);
    };
    const isStillToRun = ({ trip }: Passage) => (trip.checkpoints?.next ?? 0) <= index;
    const work = (all: readonly Passage[]) => {
      const passages = isOrdered ? all.filter(isStillToRun) : all;
      if (passages.length === 0) return undefined;
      const working =
        batch === undefined ? runner.run(passages[0] as Passage) : runner.runBatch(passages);
      if (working !== undefined || config.checkpoint) {
        return (working ?? Promise.resolve()).then(() => {
          cut(passages);
          return keep(passages);
        });
      }
      cut(passages);
      return undefined;
    };
    const node = new GraphNode({
      name,
      inbox,
      concurrency: typeof own === "number" ? own : own.min,
      isOrdered,
      batch,
      work,
      handOn: (passage) => this.#handOn(passage, name),
      passesBy: (passage) => runner.passesBy(passage),
    });
    this.nodes.set(name, node);
  }

  #addSink(name: string, sink: Sink): void {
    const { concurrency, isOrdered, logger } = this.#parts;
    const node = new GraphNode({
      name,
      inbox: SINK_INBOX,
      concurrency: isOrdered ? 1 : concurrency,
      isOrdered,
      work: async ([passage]) => {
        if (passage !== undefined) await deliver(passage, { name, sink, logger });
      },
      handOn: () => undefined,
      passesBy: () => false,
    });
    this.nodes.set(name, node);
  }
}

/**
 * A batch must be able to fill, or each would wait in vain: as many as can be in work make it full, and its
 * inbox holds a whole one.
 */
function boundsOf({ inbox, batch }: StageConfig, places: number) {
  if (batch === undefined) return { inbox, batch };
  const maxSize = Math.min(batch.maxSize, places);
  const maxMessages = Math.max(inbox.maxMessages, maxSize);
  const maxBytes = Math.max(inbox.maxBytes, batch.maxBytes);
  return { inbox: { maxMessages, maxBytes }, batch: { ...batch, maxSize } };
}

/** A job that is lost, or that a stop has no more time for, goes back, or is answered as failed. */
function cutIfEnded(passage: Passage, stage: string): void {
  const { trip, message } = passage;
  const end = firedIn(trip.ends);
  if (end === undefined) return;
  trip.identify(message);
  if (trip.goesBack) passage.isCut = true;
  else if (!message.failed) message.fail({ stage, cause: end.reason });
}

async function saveCheckpoint({ trip, message, isCut }: Passage, index: number): Promise<void> {
  if (isCut || message.failed) return;
  await trip.checkpoints?.after(index, message);
}

interface Delivering {
  readonly name: string;
  readonly sink: Sink;
  readonly logger: Logger;
}

/** Ends a passage in its sink. The sink that answers waits for the copies in other branches. */
async function deliver(passage: Passage, means: Delivering): Promise<void> {
  const { trip, message, isMain } = passage;
  if (isMain) {
    const { isCut, failure } = await trip.sides();
    if (isCut || trip.isLost) {
      trip.arrived(passage, false);
      return;
    }
    if (failure !== undefined) message.markFailed(failure);
  } else if (message.failed) {
    const reason = message.failedReason ?? "";
    trip.sideFailed({ sourceId: means.name, taskId: means.name, message: reason, error: reason });
    trip.arrived(passage, false);
    return;
  }
  const isDone = await hand(passage, means);
  if (!isMain && !isDone) {
    const error = `sink ${means.name} did not take the message`;
    trip.sideFailed({ sourceId: means.name, taskId: means.name, message: error, error });
  }
  trip.arrived(passage, isDone);
}

async function hand({ trip, message }: Passage, { sink, logger }: Delivering): Promise<boolean> {
  const call = new SinkCall(trip);
  try {
    return await sink.processMessage(message, call);
  } catch (error) {
    if (!trip.isLost) logger.error({ error: messageOf(error) }, "the sink failed");
    return false;
  } finally {
    call.over();
  }
}
