/**
 * A stage that works in the threads of a pool. This is the main thread's side: it sends messages there
 * as plain data, takes back what came of them, and keeps the time. It loads no module of the stage.
 */
import { type Logger, linkSignals, messageOf, newId, OptionErrors, quote } from "../core/index.js";
import { fromPlain, type IngestControlMessage, toPlain } from "../message/index.js";
import { reviveThrown, type TaskInput, type WorkerPool } from "../workers/index.js";
import { LOAD_MS } from "./load-errors.js";
import type { Stage, StageContext } from "./stage.js";
import type { StageAddress } from "./stage-address.js";
import { ThreadClock } from "./thread-clock.js";
import {
  checkTask,
  type ThreadNews,
  type ThreadOutcome,
  type ThreadOutcomes,
  type ThreadStageSource,
  type ThreadWork,
  workTask,
} from "./thread-task.js";

export interface ThreadStageSetup extends StageAddress {
  /** The name of the stage in its pipeline. */
  readonly name: string;
  /** As for `loadStage`; plain data. Changing it afterwards changes nothing. */
  readonly config?: unknown;
  /** See `Stage.version`. Without it the version that the module gives is known after `start`. */
  readonly version?: string;
  /** Where the work happens; the stage neither starts nor closes it. */
  readonly pool: WorkerPool;
}

/**
 * A stage whose module is loaded in threads only, once in each, when its first message comes there.
 *
 * `start` loads it in one thread, so that a wrong address or option fails before the first job. A
 * message that kills its thread fails with WORKERS_THREAD_EXITED or WORKERS_OUT_OF_MEMORY, one that does
 * not end with PIPELINE_STAGE_TIMED_OUT or the reason of its signal: at once, and the thread is ended.
 * What else goes wrong fails as it would on the main thread, with the same text.
 *
 * - Its time is that of its work: neither the wait for a thread nor loading the module is in it, so no
 *   message fails because others before it hang.
 * - The message stays as it is, and another one comes back; but where the stage's `accepts` says no,
 *   the very same one. (It is asked in the thread.)
 * - The stage takes batches, in one crossing; one without `processBatch` gets their messages in turn.
 * - `context.signal` never fires in a thread; circuit breakers are each thread's own; up to 100 lines
 *   of log come through for one message. What is printed goes to standard error.
 * - The stage's `stop` is not called when a thread ends, which may be at any time: what must be written
 *   is to be written before a message is returned.
 *
 * @throws OPTIONS_INVALID when the configuration cannot be sent to a thread.
 */
export function threadStage(setup: ThreadStageSetup): Stage {
  const { name, pool } = setup;
  const source = sourceOf(setup);
  const run = async (
    messages: readonly IngestControlMessage[],
    context: StageContext,
    isBatch: boolean,
  ) => {
    const { attempt, timeoutMs } = context;
    const unsendable = new Map<number, unknown>();
    const clock = new ThreadClock(name, timeoutMs);
    const { signal, unlink } = linkSignals(context.signal, clock.signal);
    try {
      const answer = await pool.runPrepared(
        workTask(name),
        () => prepare(messages, { source, attempt, timeoutMs, isBatch }, unsendable),
        {
          signal,
          onPlaced: () => clock.placed(),
          onTold: (news) => hear(news as ThreadNews, clock, context.logger),
        },
      );
      if ("thrown" in answer) throw reviveThrown(answer.thrown);
      return mergeOutcomes(answer, messages, unsendable);
    } finally {
      clock.stop();
      unlink();
    }
  };
  const stage: Stage & { version?: string } = {
    name,
    ...(setup.version !== undefined && { version: setup.version }),
    leavesInputAlone: true,
    keepsTime: true,
    async process(message, context) {
      const [result] = await run([message], context, false);
      if (result instanceof Error) throw result;
      return result as IngestControlMessage;
    },
    processBatch: (messages, context) => run(messages, context, true),
    async start() {
      const clock = new ThreadClock(name, LOAD_MS);
      try {
        const { signal } = clock;
        const onPlaced = () => clock.placed();
        const facts = await pool.run(checkTask(name), source, { signal, onPlaced });
        if ("thrown" in facts) throw reviveThrown(facts.thrown);
        if (setup.version === undefined && facts.version !== undefined)
          stage.version = facts.version;
      } finally {
        clock.stop();
      }
    },
  };
  return stage;
}

function sourceOf(setup: ThreadStageSetup): ThreadStageSource {
  const { name, use, file, exportName, config } = setup;
  const named = exportName === undefined ? {} : { exportName };
  try {
    const sent: unknown = structuredClone(config ?? {});
    return { id: newId(), name, use, file: file.href, ...named, config: sent };
  } catch (cause) {
    const faults = [`its options cannot be sent to a thread: ${messageOf(cause)}`];
    throw OptionErrors.INVALID({ what: `stage ${quote(name)}`, faults }, cause);
  }
}

/** Those that cannot cross are noted, and fail alone. @throws why, when none can. */
function prepare(
  messages: readonly IngestControlMessage[],
  work: Omit<ThreadWork, "messages">,
  unsendable: Map<number, unknown>,
): TaskInput<ThreadWork> {
  unsendable.clear();
  const sent = messages.flatMap((message, index) => {
    try {
      return [toPlain(message)];
    } catch (error) {
      unsendable.set(index, error);
      return [];
    }
  });
  if (sent.length === 0) throw unsendable.get(0);
  const transfer = sent.flatMap(({ handedOver }) => handedOver);
  return { input: { ...work, messages: sent }, transfer };
}

/** One result for each message, unless the stage gave too few or too many. */
function mergeOutcomes(
  { outcomes }: Extract<ThreadOutcomes, { outcomes: unknown }>,
  messages: readonly IngestControlMessage[],
  unsendable: ReadonlyMap<number, unknown>,
): (IngestControlMessage | Error)[] {
  const sent = messages.filter((_, index) => !unsendable.has(index));
  const results = outcomes.map((outcome, index) => resultOf(outcome, sent[index]));
  for (const [index, error] of unsendable) results.splice(index, 0, error as Error);
  return results;
}

function resultOf(
  outcome: ThreadOutcome,
  message: IngestControlMessage | undefined,
): IngestControlMessage | Error {
  if ("thrown" in outcome) return reviveThrown(outcome.thrown);
  if ("isSkipped" in outcome) return message as IngestControlMessage;
  try {
    return fromPlain(outcome.message);
  } catch (error) {
    // The stage left something in it that is no row.
    return error as Error;
  }
}

function hear(news: ThreadNews, clock: ThreadClock, logger: Logger): void {
  if ("begun" in news) {
    clock.begun();
    return;
  }
  const { level, details, text } = news.log;
  try {
    logger[level](JSON.parse(details), text);
  } catch {
    // A logger that throws must not take the pool's line to its threads along.
  }
}
