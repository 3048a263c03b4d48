/**
 * What the outside tells a command while it runs: stop. The first SIGTERM or SIGINT asks it to, the
 * second ends the process at once. SIGHUP keeps its meaning: who closes the terminal wants the end.
 */
import { ExitCode } from "./exit-codes.js";

/** Why a command was asked to stop; the reason of its signal. */
export class Interruption extends Error {
  readonly by: string;
  /** Nobody reads the output any more, which is no failure. */
  readonly isQuiet: boolean;

  constructor(by: string, isQuiet = false) {
    super(`interrupted by ${by}`);
    this.name = "AbortError";
    this.by = by;
    this.isQuiet = isQuiet;
  }
}

export interface StopRequest {
  /** Fires at the first request to stop; its reason is an `Interruption`. */
  readonly signal: AbortSignal;
  stop(reason: Interruption): void;
  /**
   * The command must be over in this time, else the process is ended: for parts that hang although
   * they promise not to.
   */
  limit(timeoutMs: number): void;
}

export function listenForStop(controller: AbortController): StopRequest {
  const stop = (reason: Interruption) => {
    if (controller.signal.aborted) return;
    controller.abort(reason);
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(ExitCode.OTHER);
      stop(new Interruption(name));
    });
  }
  const limit = (timeoutMs: number) => {
    setTimeout(() => {
      process.stderr.write(`not stopped within ${timeoutMs} ms: the process ends\n`);
      process.exit(ExitCode.OTHER);
    }, timeoutMs).unref();
  };
  return { signal: controller.signal, stop, limit };
}
