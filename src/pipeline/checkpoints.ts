/**
 * Checkpoints: what a costly stage made is kept, so that the same job, retried or sent again, goes on
 * behind it. This file says what the engine needs; who keeps it where is another's business.
 */
import type { Stage } from "./stage.js";

export interface CheckpointStore {
  /** Undefined when there is none, or when what is kept cannot be read any more. Never rejects. */
  load(key: string): Promise<Uint8Array | undefined>;
  /** Replaces what is there, as a whole or not at all. Never rejects. */
  save(key: string, bytes: Uint8Array): Promise<void>;
}

/** A stage as far as checkpoints go. `config` is what its results depend on besides its version. */
export interface CheckpointedStage {
  readonly stage: Stage;
  readonly config: unknown;
  readonly checkpoint: boolean;
}
