/** Why a task has no output: from what piscina says, how far the task came, and who ended it. */
import { messageOf } from "../core/index.js";
import { WorkersErrors } from "./errors.js";
import { PROGRESS, type TaskOutcome, type WorkerTask } from "./task.js";
import { reviveThrown } from "./thrown.js";

/** Why the pool itself aborted a task. */
export class PoolClosed extends Error {}
export class ThreadLost extends Error {}

interface Facts {
  readonly task: WorkerTask<never, unknown>;
  /** One of `PROGRESS`. */
  readonly progress: number | undefined;
  readonly signal: AbortSignal;
  readonly maxHeapMb: number;
}

interface Explained {
  readonly error: unknown;
  /** The thread died, and had not begun with the task. */
  readonly diedBefore: boolean;
}

/** Tasks answer with an outcome, so what piscina throws is the end of a thread, or of the line to it. */
export function explain(error: unknown, { task, progress, signal, maxHeapMb }: Facts): Explained {
  const failed = (because: unknown) => ({ error: because, diedBefore: false });
  const name = labelOf(task);
  const { reason } = signal;
  if (reason instanceof PoolClosed) return failed(WorkersErrors.POOL_CLOSED({ task: name }));
  if (reason instanceof ThreadLost) {
    return failed(WorkersErrors.THREAD_EXITED({ task: name, reason: reason.message }, error));
  }
  if (signal.aborted) return failed(reason);
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return failed(WorkersErrors.OUT_OF_MEMORY({ task: name, maxHeapMb }, error));
  }
  if (progress !== PROGRESS.begun && cannotCross(error)) {
    const what = progress === PROGRESS.sent ? "its input" : "what it gave back";
    const reason = `${what} cannot cross the border of a thread`;
    return failed(WorkersErrors.TASK_FAILED({ task: name, reason }, error));
  }
  const exit = /^worker exited with code: (-?\d+)$/.exec(messageOf(error));
  const how = exit ? `it exited with code ${exit[1]}` : `nothing caught: ${messageOf(error)}`;
  return {
    error: WorkersErrors.THREAD_EXITED({ task: name, reason: how }, error),
    diedBefore: progress === PROGRESS.sent,
  };
}

/**
 * The platform's error says so. Out of a thread it comes without its class: Node 20 leaves an empty
 * object of it, Node 24 an error that tells its name in the stack alone.
 */
function cannotCross(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  return error.name === "DataCloneError" || error.stack?.startsWith("DataCloneError") === true;
}

/** @throws what the task threw. */
export function outputOf<Output>(
  task: WorkerTask<never, Output>,
  outcome: TaskOutcome<Output>,
): Output {
  if (outcome.ok) return outcome.value;
  const cause = reviveThrown(outcome.thrown);
  if ("error" in outcome.thrown) throw cause;
  throw WorkersErrors.TASK_FAILED({ task: labelOf(task), reason: cause.message }, cause);
}

export function labelOf({ label, name }: WorkerTask<never, unknown>): string {
  return label ?? name;
}
