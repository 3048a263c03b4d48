/**
 * The pool of threads that CPU-bound work runs on: a thin layer over piscina.
 *
 * The waiting line is ours. piscina 5 puts tasks that carry a signal into a line that `maxQueue`
 * does not bound and whose order is not kept, and a task that waits in there while the last thread
 * dies waits for ever. So piscina never gets more tasks than it may have threads. The pool knows
 * nothing of documents or stages: it runs named functions of files.
 */
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { messageOf, parseOptions } from "../core/index.js";
import { WorkersErrors } from "./errors.js";
import { type WorkerPoolConfig, WorkerPoolOptions } from "./options.js";
import { reviveError, type TaskOutcome, type WorkerTask } from "./task.js";

export interface RunTaskOptions {
  /** Aborting rejects with the signal's reason and ends the thread, also one in a busy loop. */
  readonly signal?: AbortSignal;
  /** Buffers to hand over instead of copying; the caller must not use them afterwards. */
  readonly transfer?: readonly ArrayBuffer[];
}

export interface WorkerPoolStats {
  /** Gauges. */
  readonly threads: number;
  readonly running: number;
  readonly waiting: number;
  /** Counters. */
  readonly completed: number;
  readonly failed: number;
  readonly aborted: number;
}

export class WorkerPool implements AsyncDisposable {
  readonly config: WorkerPoolConfig;
  readonly #piscina: Piscina;
  /** Tasks at piscina. Aborting one frees it and ends its thread. */
  readonly #running = new Set<AbortController>();
  /** Wakes the waiting tasks, oldest first. */
  readonly #waiting: (() => void)[] = [];
  /** Threads that were told to end and have not ended yet. */
  readonly #ending = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;
  #completed = 0;
  #failed = 0;
  #aborted = 0;

  /** Starts no thread; the first task does. @throws OPTIONS_INVALID */
  constructor(options: WorkerPoolOptions = {}) {
    this.config = parseOptions(WorkerPoolOptions, options, "WorkerPool");
    const { maxThreads, idleTimeoutMs, maxHeapMb } = this.config;
    this.#piscina = new Piscina({
      minThreads: 0,
      maxThreads,
      idleTimeout: idleTimeoutMs,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      recordTiming: false,
    });
    // Comes only from a thread that died without a task: no caller to tell, unless it was the last
    // one while tasks still wait for it to come up.
    this.#piscina.on("error", (error) => {
      if (this.#piscina.threads.length > 0) return;
      for (const task of this.#running) task.abort(new ThreadLost(messageOf(error)));
    });
  }

  /**
   * Runs a task in a thread and returns what it returns.
   *
   * @throws the task's own error, revived with code and message; else WORKERS_TASK_FAILED,
   *   …_TASK_UNKNOWN, …_THREAD_EXITED, …_OUT_OF_MEMORY, …_QUEUE_FULL, …_POOL_CLOSED, or the
   *   signal's reason. A failure never touches other tasks.
   */
  async run<Input, Output>(
    task: WorkerTask<Input, Output>,
    input: Input,
    options: RunTaskOptions = {},
  ): Promise<Output> {
    try {
      const output = await this.#run(task, input, options);
      this.#completed++;
      return output;
    } catch (error) {
      if (options.signal?.aborted === true) this.#aborted++;
      else this.#failed++;
      throw error;
    }
  }

  getStats(): WorkerPoolStats {
    return {
      threads: this.#piscina.threads.length,
      running: this.#running.size,
      waiting: this.#waiting.length,
      completed: this.#completed,
      failed: this.#failed,
      aborted: this.#aborted,
    };
  }

  /** Ends all threads; what runs or waits is rejected with WORKERS_POOL_CLOSED. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const wake of this.#waiting.splice(0)) wake();
      for (const task of this.#running) this.#end(task, new PoolClosed());
      await this.#piscina.destroy();
      await Promise.all(this.#ending);
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<Input, Output>(
    task: WorkerTask<Input, Output>,
    input: Input,
    { signal, transfer }: RunTaskOptions,
  ): Promise<Output> {
    signal?.throwIfAborted();
    const controller = new AbortController();
    const stop = () => this.#end(controller, signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await this.#place(task, controller);
      const outcome: TaskOutcome<Output> = await this.#piscina.run(input, {
        filename: task.file.href,
        name: task.name,
        signal: controller.signal,
        ...(transfer && { transferList: [...transfer] }),
      });
      return outputOf(task, outcome);
    } catch (error) {
      throw this.#explain(task, error, controller.signal);
    } finally {
      signal?.removeEventListener("abort", stop);
      if (this.#running.delete(controller)) this.#waiting.shift()?.();
    }
  }

  /** Waits until piscina has a thread to spare, and takes the place. */
  async #place(task: WorkerTask<never, unknown>, controller: AbortController): Promise<void> {
    const { maxThreads, maxWaitingTasks } = this.config;
    if (this.#closing !== undefined) throw WorkersErrors.POOL_CLOSED({ task: task.name });
    if (this.#running.size < maxThreads) {
      this.#running.add(controller);
      return;
    }
    if (this.#waiting.length >= maxWaitingTasks) {
      throw WorkersErrors.QUEUE_FULL({ task: task.name, maxWaitingTasks });
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        reject(controller.signal.reason);
      };
      // The place is taken here, not after the await: a newcomer must not slip in between.
      const wake = () => {
        controller.signal.removeEventListener("abort", leave);
        this.#running.add(controller);
        resolve();
      };
      controller.signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(wake);
    });
    if (this.#closing !== undefined) throw WorkersErrors.POOL_CLOSED({ task: task.name });
  }

  /** Aborts a task and remembers the thread that piscina ends for it. */
  #end(task: AbortController, reason: unknown): void {
    const before: Worker[] = this.#piscina.threads;
    task.abort(reason);
    const left = new Set(this.#piscina.threads);
    for (const thread of before) {
      if (left.has(thread)) continue;
      // Not `events.once`: it would reject if the thread fails in its last moment.
      const ended: Promise<unknown> = new Promise((resolve) => {
        thread.once("exit", resolve);
      }).finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
  }

  #explain(task: WorkerTask<never, unknown>, error: unknown, signal: AbortSignal): unknown {
    const details = { task: task.name, reason: messageOf(error) };
    if (signal.reason instanceof PoolClosed) return WorkersErrors.POOL_CLOSED(details);
    if (signal.reason instanceof ThreadLost) {
      return WorkersErrors.THREAD_EXITED({ ...details, reason: signal.reason.message }, error);
    }
    if (signal.aborted) return signal.reason;
    const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
    if (code === "ERR_WORKER_OUT_OF_MEMORY") {
      return WorkersErrors.OUT_OF_MEMORY({ ...details, maxHeapMb: this.config.maxHeapMb }, error);
    }
    if (typeof code === "string" && code.startsWith("WORKERS_")) return error;
    if (error instanceof TaskThrew) return error.cause;
    if (/worker exited with code|^Terminating worker thread/.test(details.reason)) {
      return WorkersErrors.THREAD_EXITED(details, error);
    }
    if (/^No handler function exported|^Cannot find module/.test(details.reason)) {
      return WorkersErrors.TASK_UNKNOWN(details, error);
    }
    return WorkersErrors.TASK_FAILED(details, error);
  }
}

/** Why the pool itself aborted a task. */
class PoolClosed extends Error {}
class ThreadLost extends Error {}

/** Marks an error as the task's own, so that its text is never taken for one of piscina's. */
class TaskThrew extends Error {}

function outputOf<Output>(task: WorkerTask<never, Output>, outcome: TaskOutcome<Output>): Output {
  if (outcome.ok) return outcome.value;
  const cause =
    "error" in outcome
      ? reviveError(outcome.error)
      : WorkersErrors.TASK_FAILED({ task: task.name, reason: outcome.thrown });
  throw new TaskThrew(cause.message, { cause });
}
