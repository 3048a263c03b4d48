/**
 * A stage with functions before and after it. To the pipeline it is the stage itself: same name, same
 * version, same life. It knows functions, not tasks.
 */
import { messageOf } from "../../core/index.js";
import { IngestControlMessage } from "../../message/index.js";
import type {
  BatchOutcome,
  ProcessingFunction,
  Stage,
  StageContext,
} from "../../pipeline/index.js";
import { StagesErrors } from "../errors.js";
import type { Point } from "./udf-places.js";

export interface NamedFunction {
  readonly name: string;
  readonly point: Point;
  readonly run: ProcessingFunction;
  /** Called with the message that came back. */
  readonly done?: (message: IngestControlMessage) => void;
}

/** The functions that run around one stage, for one message. */
export interface Surroundings {
  /** Whether there may be any. */
  isWantedBy(message: IngestControlMessage): boolean;
  before(message: IngestControlMessage): readonly NamedFunction[];
  after(message: IngestControlMessage): readonly NamedFunction[];
}

/** The functions run also where the stage itself has no work. */
export function wrapStage(stage: Stage, around: Surroundings): Stage {
  const process: ProcessingFunction = (message, context) =>
    around.isWantedBy(message)
      ? processAround(message, { stage, around, context })
      : stage.process(message, context);
  const wrapped: Stage & { version?: string } = {
    name: stage.name,
    ...(stage.version !== undefined && { version: stage.version }),
    accepts: (message) => around.isWantedBy(message) || hasWork(stage, message),
    process,
    ...(stage.processBatch !== undefined && {
      processBatch: (messages, context) => batchAround(messages, { stage, around, context }),
    }),
    start: async () => {
      await stage.start?.();
      // That of a stage in a thread is known only now.
      if (stage.version !== undefined) wrapped.version = stage.version;
    },
    stop: async () => stage.stop?.(),
  };
  return wrapped;
}

interface Means {
  readonly stage: Stage;
  readonly around: Surroundings;
  readonly context: StageContext;
}

async function processAround(
  message: IngestControlMessage,
  { stage, around, context }: Means,
): Promise<IngestControlMessage> {
  let current = await runAll(around.before(message), message, context);
  if (!current.failed && hasWork(stage, current)) current = await stage.process(current, context);
  // What is no message the pipeline complains of, in the stage's name.
  if (!(current instanceof IngestControlMessage) || current.failed) return current;
  return runAll(around.after(current), current, context);
}

/** As above for each; the stage itself gets those together in which it has work. */
async function batchAround(
  messages: readonly IngestControlMessage[],
  { stage, around, context }: Means,
): Promise<BatchOutcome> {
  const outcomes: (IngestControlMessage | Error)[] = await eachAlone(messages, (message) =>
    runAll(around.before(message), message, context),
  );
  const places: number[] = [];
  const batch: IngestControlMessage[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome instanceof Error || outcome.failed || !hasWork(stage, outcome)) continue;
    places.push(index);
    batch.push(outcome);
  }
  const worked = batch.length === 0 ? [] : await stage.processBatch?.(batch, context);
  // What is no list of as many the pipeline complains of, in the stage's name.
  if (!Array.isArray(worked) || worked.length !== batch.length) return worked as BatchOutcome;
  for (const [at, index] of places.entries()) outcomes[index] = worked[at];
  return eachAlone(outcomes, (outcome) =>
    outcome instanceof IngestControlMessage && !outcome.failed
      ? runAll(around.after(outcome), outcome, context)
      : outcome,
  );
}

async function eachAlone<T, R>(
  items: readonly T[],
  work: (item: T) => R | Promise<R>,
): Promise<(R | Error)[]> {
  const done: (R | Error)[] = [];
  for (const item of items) {
    try {
      done.push(await work(item));
    } catch (error) {
      done.push(error instanceof Error ? error : new TypeError(messageOf(error)));
    }
  }
  return done;
}

async function runAll(
  functions: readonly NamedFunction[],
  message: IngestControlMessage,
  context: StageContext,
): Promise<IngestControlMessage> {
  let current = message;
  for (const each of functions) {
    if (current.failed) break;
    context.signal.throwIfAborted();
    current = await call(each, current, context);
    each.done?.(current);
  }
  return current;
}

async function call(
  { name, point, run }: NamedFunction,
  message: IngestControlMessage,
  context: StageContext,
): Promise<IngestControlMessage> {
  let result: unknown;
  try {
    result = await run(message, context);
  } catch (cause) {
    context.signal.throwIfAborted();
    throw StagesErrors.UDF_FAILED({ name, ...point, reason: messageOf(cause) }, cause);
  }
  if (result instanceof IngestControlMessage) return result;
  const reason = `it returned ${result === undefined ? "nothing" : "something else than a message"}`;
  throw StagesErrors.UDF_FAILED({ name, ...point, reason });
}

function hasWork(stage: Stage, message: IngestControlMessage): boolean {
  return stage.accepts?.(message) !== false;
}
