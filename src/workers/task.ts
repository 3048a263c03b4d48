/**
 * What crosses the border between the pool and a thread: which function to run, what it is given, and
 * how its outcome comes back.
 */
import { describeThrown, type Thrown } from "./thrown.js";

/**
 * A function in a file that threads load. The file exports it under `name`, wrapped by
 * `threadTask`. The types say what it takes and gives; both must be plain data.
 */
export interface WorkerTask<Input, Output> {
  /** The compiled file, for example `new URL("./worker-entry.js", import.meta.url)`. */
  readonly file: URL;
  readonly name: string;
  /** What errors call it; its name unless given. */
  readonly label?: string;
  /** Only for the compiler; never set. */
  readonly types?: (input: Input) => Output;
}

/** Sends something to the caller while the task runs. It must be plain data, and little. */
export type Tell = (value: unknown) => void;

/** An output with buffers to hand over instead of copying; the thread cannot use them afterwards. */
export class Transferred<Output> {
  readonly value: Output;
  readonly buffers: readonly ArrayBuffer[];

  constructor(value: Output, buffers: readonly ArrayBuffer[]) {
    this.value = value;
    this.buffers = buffers;
  }
}

type Given<Output> = Output | Transferred<Output>;

export type TaskOutcome<Output> =
  | { readonly ok: true; readonly value: Output; readonly transfer?: readonly ArrayBuffer[] }
  | { readonly ok: false; readonly thrown: Thrown };

/**
 * Wraps a function for a worker file's export, so that its errors keep code, message and details.
 * What is not one of our errors keeps its message, and whether another attempt can help.
 */
export function threadTask<Input, Output>(
  work: (input: Input, tell: Tell) => Given<Output> | Promise<Given<Output>>,
): (input: Input, tell: Tell) => Promise<TaskOutcome<Output>> {
  return async (input, tell) => {
    try {
      const given = await work(input, tell);
      if (!(given instanceof Transferred)) return { ok: true, value: given };
      return { ok: true, value: given.value, transfer: given.buffers };
    } catch (error) {
      return { ok: false, thrown: describeThrown(error) };
    }
  };
}

/** What the pool sends to `worker-entry.ts`. */
export interface Parcel {
  readonly id: number;
  readonly file: string;
  readonly name: string;
  readonly input: unknown;
  /** One of `PROGRESS`; shared, so that it can be read when the thread is dead. */
  readonly progress: Int32Array;
}

export const PROGRESS = { sent: 0, begun: 1, ended: 2 } as const;

/** What `worker-entry.ts` sends back beside the outcome. */
export interface Told {
  readonly millraceTask: number;
  readonly value: unknown;
}
