/**
 * Lets a message resume behind the costly stages that its content went through before. It knows the
 * stages of one chain and a store; when stages run, and what of failures, is the engine's business.
 */
import { type Logger, settlesWithin } from "../../core/index.js";
import {
  ANNOTATION_PREFIX,
  type Annotation,
  type IngestControlMessage,
} from "../../message/index.js";
import type { CheckpointedStage, CheckpointStore } from "../checkpoints.js";
import { digestOfContent, digestsOfStages, keyOf } from "./checkpoint-keys.js";
import {
  type Brought,
  broughtBy,
  CHECKPOINT_SOURCE,
  encodeKept,
  restoreKept,
} from "./kept-message.js";

/** A store that takes longer is not waited for. */
const STORE_MS = 10_000;

/** One message on its way along the stages. */
export interface CheckpointRun {
  /** Index of the first stage that is still to run. */
  readonly next: number;
  /**
   * Keeps the message when this stage is one whose work is kept. Call it when the stage worked and
   * did not fail; the message may be changed again once the call has returned its promise. Nothing is
   * kept of a message that failed, or that went on after an error. Never rejects.
   */
  after(index: number, message: IngestControlMessage): Promise<void>;
}

/** Counts since the plan was made. */
export interface CheckpointPlanStats {
  /** Messages that went on behind a stage, and those that began at the first. */
  resumed: number;
  begun: number;
  /** Messages without a key, or with a result that is no plain data or too large. */
  unkeepable: number;
}

const NOT_KEPT: CheckpointRun = { next: 0, after: async () => {} };

export class CheckpointPlan {
  readonly #stages: readonly CheckpointedStage[];
  readonly #store: CheckpointStore;
  readonly #logger: Logger;
  #digests: readonly (string | undefined)[] = [];
  readonly #stats: CheckpointPlanStats = { resumed: 0, begun: 0, unkeepable: 0 };

  /** @param stages all of the chain, in its order. */
  constructor(stages: readonly CheckpointedStage[], store: CheckpointStore, logger: Logger) {
    this.#stages = stages;
    this.#store = store;
    this.#logger = logger;
  }

  /** Call it when the stages have started: one in a thread knows its version only then. */
  start(): void {
    this.#digests = digestsOfStages(this.#stages);
    const unknown = this.#stages[this.#digests.indexOf(undefined)];
    if (unknown !== undefined) {
      this.#logger.warn(
        { stage: unknown.stage.name },
        "a stage has options that are no plain data, so nothing is kept from it on",
      );
    }
  }

  getStats(): CheckpointPlanStats {
    return { ...this.#stats };
  }

  /**
   * Call it before the first stage. What was kept of the same content is put into this message, which
   * stays the message of its own job; an annotation tells so. Never rejects.
   */
  async begin(message: IngestControlMessage): Promise<CheckpointRun> {
    if (message.failed) return NOT_KEPT;
    const content = attempt(() => digestOfContent(message));
    if (content === undefined) {
      this.#stats.unkeepable++;
      return NOT_KEPT;
    }
    const brought = broughtBy(message);
    const next = await this.#resume(message, content, brought);
    if (next === 0) this.#stats.begun++;
    else this.#stats.resumed++;
    return {
      next,
      after: (index, worked) => this.#keep(worked, { index, content, brought }),
    };
  }

  /** The last stage whose work is there wins. */
  async #resume(message: IngestControlMessage, content: string, brought: Brought): Promise<number> {
    for (let index = this.#stages.length - 1; index >= 0; index--) {
      const key = this.#keyAt(index, content);
      const bytes = key === undefined ? undefined : await this.#load(key);
      if (bytes === undefined || !restoreKept(bytes, message, brought)) continue;
      const stage = this.#stages[index]?.stage.name as string;
      message.annotate({
        sourceId: CHECKPOINT_SOURCE,
        taskId: stage,
        message: `resumed behind ${stage}: the same content went through it before`,
        resumed_behind: stage,
      });
      this.#logger.debug({ jobId: message.jobId, stage }, "a job resumed from a checkpoint");
      return index + 1;
    }
    return 0;
  }

  async #keep(
    message: IngestControlMessage,
    { index, content, brought }: { index: number; content: string; brought: Brought },
  ): Promise<void> {
    const key = this.#keyAt(index, content);
    if (key === undefined || wentWrong(message)) return;
    const bytes = attempt(() => encodeKept(message, brought));
    if (bytes === undefined) {
      this.#stats.unkeepable++;
      return;
    }
    const saved = later(() => this.#store.save(key, bytes));
    await settlesWithin(saved, STORE_MS);
  }

  /** Undefined when the work of that stage is not kept. */
  #keyAt(index: number, content: string): string | undefined {
    const digest = this.#digests[index];
    const isKept = this.#stages[index]?.checkpoint === true && digest !== undefined;
    return isKept ? keyOf(content, digest) : undefined;
  }

  async #load(key: string): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    const loaded = later(() => this.#store.load(key)).then((found) => {
      bytes = found;
    });
    await settlesWithin(loaded, STORE_MS);
    return bytes;
  }
}

/** A store that throws at once is as good as one that rejects. */
async function later<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

/** Members of a message may be getters, and throw. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Also when the job goes on: what a stage could not do now, it may be able to do next time. */
function wentWrong(message: IngestControlMessage): boolean {
  if (message.failed) return true;
  for (const [key, value] of message.metadataEntries()) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const { error, task_result } = (value ?? {}) as Partial<Annotation>;
    if (error !== undefined || task_result === "FAILURE") return true;
  }
  return false;
}
