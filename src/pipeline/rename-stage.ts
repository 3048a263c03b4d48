/** A stage under another name. */
import type { Stage } from "./stage.js";

/** Neither a copy nor an heir: a stage's methods may count on being called on the stage itself. */
export function renameStage(stage: Omit<Stage, "name">, name: string): Stage {
  const { version, leavesInputAlone, keepsTime, accepts, processBatch, start, stop } = stage;
  const renamed: Stage & { version?: string } = {
    name,
    process: (message, context) => stage.process(message, context),
    ...(version !== undefined && { version }),
    ...(leavesInputAlone !== undefined && { leavesInputAlone }),
    ...(keepsTime !== undefined && { keepsTime }),
    ...(accepts && { accepts: (message) => accepts.call(stage, message) }),
    ...(processBatch && {
      processBatch: (messages, context) => processBatch.call(stage, messages, context),
    }),
    ...(start && {
      start: async () => {
        await start.call(stage);
        // That of a stage in a thread is known only now.
        if (stage.version !== undefined) renamed.version = stage.version;
      },
    }),
    ...(stop && { stop: async () => stop.call(stage) }),
  };
  return renamed;
}
