/** A stage that works in the threads of a pool: where its module is, and the messages there and back. */
import type { WorkerPool } from "../workers/index.js";
import type { Stage } from "./stage.js";
import type { StageAddress } from "./stage-address.js";

export interface ThreadStageSetup extends StageAddress {
  readonly name: string;
  /** As for `loadStage`; plain data. */
  readonly config?: unknown;
  /** See `Stage.version`: the main thread does not load the module, so it cannot ask it. */
  readonly version?: string;
  /** Where the work happens; the stage neither starts nor closes it. */
  readonly pool: WorkerPool;
  /**
   * How long one attempt may take in its thread, in milliseconds. The wait for a thread is not in it;
   * so the time of a message does not run out behind others that hang.
   */
  readonly timeoutMs?: number;
}

export function threadStage(_setup: ThreadStageSetup): Stage {
  throw new Error("not yet");
}
