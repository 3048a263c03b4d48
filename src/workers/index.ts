/** Threads for CPU-bound work. */
export { WorkersErrors } from "./errors.js";
export { type WorkerPoolConfig, WorkerPoolOptions } from "./options.js";
export { type RunTaskOptions, type TaskInput, WorkerPool, type WorkerPoolStats } from "./pool.js";
export { type Tell, Transferred, threadTask, type WorkerTask } from "./task.js";
export { describeThrown, reviveThrown, type Thrown } from "./thrown.js";
