/** What goes wrong between a caller and a thread. A task's own errors keep their own code. */
import { defineErrors } from "../core/index.js";

export const WorkersErrors = defineErrors("WORKERS", {
  TASK_FAILED: {
    kind: "stage",
    retry: false,
    about:
      "A task that ran in a thread threw an error without a code of ours, or its input " +
      "or result could not cross the thread's border. Its cause tells whether another attempt may help.",
    say: ({ task, reason }: { task: string; reason: string }) => `Task "${task}" failed: ${reason}`,
  },
  TASK_UNKNOWN: {
    kind: "internal",
    retry: false,
    about: "The worker file cannot be loaded, or exports no task of this name.",
    say: ({ task, reason }: { task: string; reason: string }) =>
      `Task "${task}" cannot be started: ${reason}`,
  },
  THREAD_EXITED: {
    kind: "stage",
    retry: true,
    about:
      "The thread ended while it worked on this task: it called process.exit, or something threw " +
      "that nothing caught, which an earlier task of the same thread may have left behind. Other " +
      "tasks go on in other threads.",
    say: ({ task, reason }: { task: string; reason: string }) =>
      `The thread that ran task "${task}" ended: ${reason}`,
  },
  OUT_OF_MEMORY: {
    kind: "limit",
    retry: true,
    about:
      "The thread needed more heap than maxHeapMb allows, and was ended. What earlier tasks left in " +
      "its heap counts too, so another attempt may come through. Raise maxHeapMb, or send smaller " +
      "documents. (One value for which far more is needed at once than is left, such as an array of " +
      "hundreds of MB, ends the process: the platform gives no chance to end the thread alone.)",
    say: ({ task, maxHeapMb }: { task: string; maxHeapMb: number }) =>
      `Task "${task}" needed more heap than the ${maxHeapMb} MB that "maxHeapMb" allows a thread`,
  },
  QUEUE_FULL: {
    kind: "limit",
    retry: true,
    about:
      "All threads are busy and maxWaitingTasks tasks wait already. Try again later, or " +
      "raise maxThreads or maxWaitingTasks.",
    say: ({ task, maxWaitingTasks }: { task: string; maxWaitingTasks: number }) =>
      `Task "${task}" was refused: ${maxWaitingTasks} tasks wait already ("maxWaitingTasks")`,
  },
  POOL_CLOSED: {
    kind: "state",
    retry: false,
    about: "The pool of threads was closed before or while this task ran.",
    say: ({ task }: { task: string }) => `Task "${task}" cannot run: the pool of threads is closed`,
  },
});
