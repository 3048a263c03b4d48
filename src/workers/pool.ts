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
import { messageOf, parseOptions, settlesWithin } from "../core/index.js";
import { WorkersErrors } from "./errors.js";
import { explain, labelOf, outputOf, PoolClosed, ThreadLost } from "./explain.js";
import { type WorkerPoolConfig, WorkerPoolOptions } from "./options.js";
import { type Parcel, PROGRESS, type TaskOutcome, type Told, type WorkerTask } from "./task.js";

export interface RunTaskOptions {
  /** Aborting rejects with the signal's reason and ends the thread, also one in a busy loop. */
  readonly signal?: AbortSignal;
  /** Called when a thread is free for the task. */
  readonly onPlaced?: () => void;
  /** Called with what the task tells while it runs. */
  readonly onTold?: (value: unknown) => void;
}

/** What a task gets. */
export interface TaskInput<Input> {
  readonly input: Input;
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

/** A thread that dies of what an earlier task left behind must not cost a task that had not begun. */
const SENDS_MAX = 3;

const CLOSE_MS = 10_000;

export class WorkerPool implements AsyncDisposable {
  readonly config: WorkerPoolConfig;
  readonly #piscina: Piscina;
  /** Tasks at piscina. Aborting one frees it and ends its thread. */
  readonly #running = new Set<RunningTask>();
  /** Wakes the waiting tasks, oldest first. */
  readonly #waiting: (() => void)[] = [];
  /** Threads that were told to end and have not ended yet. */
  readonly #ending = new Set<Promise<unknown>>();
  /** Who hears what a task tells, by its id. */
  readonly #listeners = new Map<number | undefined, (value: unknown) => void>();
  #closing: Promise<void> | undefined;
  #lastId = 0;
  #completed = 0;
  #failed = 0;
  #aborted = 0;

  /** Starts no thread; the first task does. @throws OPTIONS_INVALID */
  constructor(options: WorkerPoolOptions = {}) {
    this.config = parseOptions(WorkerPoolOptions, options, "WorkerPool");
    const { maxThreads, idleTimeoutMs, maxHeapMb } = this.config;
    this.#piscina = new Piscina({
      filename: new URL("./worker-entry.js", import.meta.url).href,
      name: "run",
      minThreads: 0,
      maxThreads,
      idleTimeout: idleTimeoutMs,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      recordTiming: false,
      // Otherwise a thread without a task blocks: connections that a task keeps would not be served,
      // and what it left behind would throw only in the middle of the next one.
      atomics: "disabled",
    });
    // Comes only from a thread that died without a task: no caller to tell, unless it was to take one
    // that waits in piscina for it to come up.
    this.#piscina.on("error", (error) => {
      const unbegun = [...this.#running].filter(({ progress }) => progress[0] === PROGRESS.sent);
      for (const task of unbegun.slice(unbegun.length - this.#piscina.queueSize)) {
        task.controller.abort(new ThreadLost(messageOf(error)));
      }
    });
    // A task's own code may send there too, whatever it likes.
    this.#piscina.on("message", (told: Partial<Told> | null | undefined) => {
      this.#listeners.get(told?.millraceTask)?.(told?.value);
    });
  }

  /**
   * Runs a task in a thread and returns what it returns.
   *
   * @throws the task's own error, revived with code and message; else WORKERS_TASK_FAILED,
   *   …_TASK_UNKNOWN, …_THREAD_EXITED, …_OUT_OF_MEMORY, …_QUEUE_FULL, …_POOL_CLOSED, or the
   *   signal's reason. A failure never touches other tasks.
   */
  run<Input, Output>(
    task: WorkerTask<Input, Output>,
    input: Input,
    { transfer = [], ...options }: RunTaskOptions & Omit<TaskInput<Input>, "input"> = {},
  ): Promise<Output> {
    let isSpent = false;
    const prepare = () => {
      if (isSpent) return undefined;
      isSpent = transfer.length > 0;
      return { input, transfer };
    };
    return this.runPrepared(task, prepare, options);
  }

  /**
   * As `run`, but the input is made when a thread is free for it: tasks that wait hold no copies.
   *
   * @param prepare is called again when the thread died before it began, which costs the task
   *   nothing. It may then return undefined, for which the task fails. What it throws is thrown.
   */
  async runPrepared<Input, Output>(
    task: WorkerTask<Input, Output>,
    prepare: () => TaskInput<Input> | undefined,
    options: RunTaskOptions = {},
  ): Promise<Output> {
    try {
      const output = await this.#run(task, prepare, options);
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

  /**
   * Ends all threads; what runs or waits is rejected with WORKERS_POOL_CLOSED. Twice is fine. It waits
   * until they have ended, but not longer than ten seconds for one in a call of native code.
   */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const wake of this.#waiting.splice(0)) wake();
      for (const { controller } of this.#running) this.#end(controller, new PoolClosed());
      const ended = Promise.all([this.#piscina.destroy(), ...this.#ending]);
      await settlesWithin(ended, CLOSE_MS);
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<Input, Output>(
    task: WorkerTask<Input, Output>,
    prepare: () => TaskInput<Input> | undefined,
    { signal, onPlaced, onTold }: RunTaskOptions,
  ): Promise<Output> {
    signal?.throwIfAborted();
    const controller = new AbortController();
    const progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const id = ++this.#lastId;
    const running = { id, controller, progress };
    if (onTold !== undefined) this.#listeners.set(id, onTold);
    const stop = () => this.#end(controller, signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await this.#place(task, running);
      onPlaced?.();
      return outputOf(task, await this.#send(task, prepare, running));
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#running.delete(running);
      this.#wake();
      // What a task told last may come after its outcome, by another port.
      if (onTold !== undefined) afterPolling(() => this.#listeners.delete(id));
    }
  }

  async #send<Input, Output>(
    task: WorkerTask<Input, Output>,
    prepare: () => TaskInput<Input> | undefined,
    { id, controller, progress }: RunningTask,
  ): Promise<TaskOutcome<Output>> {
    const { signal } = controller;
    for (let sends = 1; ; sends++) {
      const prepared = prepare();
      const parcel: Omit<Parcel, "input"> = { id, file: task.file.href, name: task.name, progress };
      try {
        if (prepared === undefined) throw new Error("it died before the task began");
        const { input, transfer = [] } = prepared;
        return await this.#piscina.run(
          { ...parcel, input },
          { signal, transferList: [...transfer] },
        );
      } catch (error) {
        const { maxHeapMb } = this.config;
        const explained = explain(error, { task, progress: progress[0], signal, maxHeapMb });
        const isInnocent = explained.diedBefore && prepared !== undefined && sends < SENDS_MAX;
        if (!isInnocent) throw explained.error;
      }
    }
  }

  /** Waits until piscina has a thread to spare, and takes the place. */
  async #place(task: WorkerTask<never, unknown>, running: RunningTask): Promise<void> {
    const { maxWaitingTasks } = this.config;
    const { signal } = running.controller;
    const name = labelOf(task);
    if (this.#closing !== undefined) throw WorkersErrors.POOL_CLOSED({ task: name });
    if (this.#hasPlace()) {
      this.#running.add(running);
      return;
    }
    if (this.#waiting.length >= maxWaitingTasks) {
      throw WorkersErrors.QUEUE_FULL({ task: name, maxWaitingTasks });
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        reject(signal.reason);
      };
      // The place is taken here, not after the await: a newcomer must not slip in between.
      const wake = () => {
        signal.removeEventListener("abort", leave);
        this.#running.add(running);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(wake);
    });
    if (this.#closing !== undefined) throw WorkersErrors.POOL_CLOSED({ task: name });
  }

  /**
   * A thread in a call of native code ends only with that call. Another takes its place meanwhile, but
   * only as many as there may be threads: their memory is not free yet.
   */
  #hasPlace(): boolean {
    const { maxThreads } = this.config;
    return this.#running.size < maxThreads && this.#ending.size <= maxThreads;
  }

  #wake(): void {
    while (this.#waiting.length > 0 && this.#hasPlace()) this.#waiting.shift()?.();
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
      }).finally(() => {
        this.#ending.delete(ended);
        this.#wake();
      });
      this.#ending.add(ended);
    }
  }
}

interface RunningTask {
  readonly id: number;
  readonly controller: AbortController;
  readonly progress: Int32Array;
}

/** When the event loop has looked once more at everything that has arrived. */
function afterPolling(action: () => void): void {
  setImmediate(() => setImmediate(action).unref()).unref();
}
