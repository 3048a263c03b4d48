/** What crosses the border between a stage and its thread: plain data, and the addresses of the tasks. */
import type { PlainMessage } from "../message/index.js";
import type { Thrown, WorkerTask } from "../workers/index.js";

/** Which stage the thread is to have. */
export interface ThreadStageSource {
  /** Tells stages apart; a thread makes each once. */
  readonly id: string;
  readonly name: string;
  readonly use: string;
  /** The module's `file:` URL. */
  readonly file: string;
  readonly exportName?: string;
  readonly config: unknown;
}

export interface ThreadWork {
  readonly source: ThreadStageSource;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly messages: readonly PlainMessage[];
  readonly isBatch: boolean;
}

/** What came of one message. */
export type ThreadOutcome =
  | { readonly message: PlainMessage }
  /** The stage has no work in it. */
  | { readonly isSkipped: true }
  | { readonly thrown: Thrown };

/** What became of them all: one outcome for each, in their order, unless all failed at once. */
export type ThreadOutcomes =
  | { readonly outcomes: readonly ThreadOutcome[] }
  | { readonly thrown: Thrown };

/** What the thread says of a stage: that it is there, or why not. */
export type ThreadStageFacts = { readonly version?: string } | { readonly thrown: Thrown };

/** What the thread tells while it works. */
export type ThreadNews =
  /** The stage is loaded; its work begins. */
  { readonly begun: true } | { readonly log: ThreadLogLine };

export interface ThreadLogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  /** As JSON text, since details may be anything. */
  readonly details: string;
  readonly text: string;
}

const file = new URL("./thread-entry.js", import.meta.url);

export function checkTask(label: string): WorkerTask<ThreadStageSource, ThreadStageFacts> {
  return { file, name: "check", label };
}

export function workTask(label: string): WorkerTask<ThreadWork, ThreadOutcomes> {
  return { file, name: "work", label };
}
