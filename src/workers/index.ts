/** Threads for CPU-bound work. */
export { WorkersErrors } from "./errors.js";
export { type WorkerPoolConfig, WorkerPoolOptions } from "./options.js";
export { type RunTaskOptions, WorkerPool, type WorkerPoolStats } from "./pool.js";
export { threadTask, type WorkerTask } from "./task.js";
