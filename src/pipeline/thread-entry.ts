/**
 * The tasks of the threads of stages: loads the module of a stage, once in each thread, and lets it
 * work on the messages that come. The main thread's side is `thread-stage.ts`.
 */
import { CircuitBreakers } from "../core/index.js";
import { fromPlain, IngestControlMessage, toPlain } from "../message/index.js";
import { describeThrown, Transferred, threadTask } from "../workers/index.js";
import { PipelineErrors } from "./errors.js";
import { type LoadedStage, loadStage } from "./load-stage.js";
import type { Stage, StageContext } from "./stage.js";
import { ThreadLogger } from "./thread-logger.js";
import type {
  ThreadNews,
  ThreadOutcome,
  ThreadOutcomes,
  ThreadStageFacts,
  ThreadStageSource,
  ThreadWork,
} from "./thread-task.js";

/** More stages than that, and the one unused for longest is stopped. */
const STAGES_MAX = 64;

const stages = new Map<string, Promise<LoadedStage>>();
const circuits = new CircuitBreakers();
const logger = new ThreadLogger();
/** Never aborted: a thread whose work nobody wants is ended. */
const { signal } = new AbortController();

/** Loads the stage, and tells what the main thread must know of it. */
export const check = threadTask(
  async (source: ThreadStageSource, tell): Promise<ThreadStageFacts> => {
    logger.begin((log) => tell({ log } satisfies ThreadNews));
    try {
      const { version } = (await stageOf(source)).stage;
      return version === undefined ? {} : { version };
    } catch (error) {
      return { thrown: describeThrown(error) };
    }
  },
);

/** Lets the stage work on the messages. */
export const work = threadTask(async (given: ThreadWork, tell) => {
  logger.begin((log) => tell({ log } satisfies ThreadNews));
  try {
    const stage = await stageOf(given.source);
    tell({ begun: true } satisfies ThreadNews);
    const outcomes = await outcomesOf(stage, given);
    const buffers = outcomes.flatMap((each) => ("message" in each ? each.message.handedOver : []));
    return new Transferred<ThreadOutcomes>({ outcomes }, [...new Set(buffers)]);
  } catch (error) {
    return { thrown: describeThrown(error) };
  }
});

/** The stage, started. One that could not be made is tried again by the next task. */
async function stageOf(source: ThreadStageSource): Promise<LoadedStage> {
  const { id } = source;
  const made = stages.get(id) ?? makeStage(source);
  stages.delete(id);
  stages.set(id, made);
  const [oldest] = stages;
  if (stages.size > STAGES_MAX && oldest !== undefined) {
    stages.delete(oldest[0]);
    oldest[1].then(({ stage }) => stage.stop?.()).catch(() => {});
  }
  try {
    return await made;
  } catch (error) {
    stages.delete(id);
    throw error;
  }
}

async function makeStage({ file, ...source }: ThreadStageSource): Promise<LoadedStage> {
  const loaded = await loadStage({ ...source, file: new URL(file), logger });
  await loaded.stage.start?.();
  return loaded;
}

async function outcomesOf(
  { stage, config }: LoadedStage,
  given: ThreadWork,
): Promise<ThreadOutcome[]> {
  const circuit = (endpoint: string) => circuits.of(endpoint);
  const { attempt, timeoutMs } = given;
  const context = { signal, logger, config, attempt, timeoutMs, circuit };
  const messages = given.messages.map(fromPlain);
  const own = new Set(given.messages.flatMap(({ handedOver }) => handedOver));
  const isAccepted = messages.map((message) => stage.accepts?.(message) !== false);
  const accepted = messages.filter((_, index) => isAccepted[index]);
  const results = await resultsOf(stage, accepted, { context, isBatch: given.isBatch });
  const outcomes = results.map((result) => outcomeOf(result, stage.name, own));
  // As many as the stage gave: if they are too few or too many, the engine says so.
  const skipped = isAccepted.flatMap((is, index) => (is ? [] : [index]));
  for (const index of skipped) outcomes.splice(index, 0, { isSkipped: true });
  return outcomes;
}

/** An error stands for a message that failed alone. @throws what a batch throws. */
async function resultsOf(
  stage: Stage,
  messages: readonly IngestControlMessage[],
  { context, isBatch }: { readonly context: StageContext; readonly isBatch: boolean },
): Promise<readonly unknown[]> {
  if (messages.length === 0) return [];
  if (isBatch && stage.processBatch !== undefined) {
    const results: unknown = await stage.processBatch(messages, context);
    return Array.isArray(results) ? results : [];
  }
  const results: unknown[] = [];
  for (const message of messages) {
    try {
      results.push(await stage.process(message, context));
    } catch (error) {
      results.push(new Failed(error));
    }
  }
  return results;
}

/** What may be thrown is no error always. */
class Failed extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super();
    this.thrown = thrown;
  }
}

function outcomeOf(result: unknown, stage: string, own: ReadonlySet<unknown>): ThreadOutcome {
  try {
    if (result instanceof Failed) throw result.thrown;
    if (result instanceof Error) throw result;
    if (result === undefined || result === null) {
      throw PipelineErrors.STAGE_RETURNED_NOTHING({ stage });
    }
    if (!(result instanceof IngestControlMessage)) {
      throw PipelineErrors.STAGE_RETURNED_FOREIGN({
        stage,
        type: `a value of type ${typeof result}`,
      });
    }
    return { message: toPlain(result, { own }) };
  } catch (error) {
    return { thrown: describeThrown(error) };
  }
}
