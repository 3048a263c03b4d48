/**
 * What crosses the border between the pool and a thread: which function to run, and how its outcome
 * comes back. Errors travel as plain data, because a thread's border strips them of their code.
 */
import { MillraceError, messageOf, type PlainError } from "../core/index.js";

/**
 * A function in a file that threads load. The file exports it under `name`, wrapped by
 * `threadTask`. The types say what it takes and gives; both must be plain data.
 */
export interface WorkerTask<Input, Output> {
  /** The compiled file, for example `new URL("./worker-entry.js", import.meta.url)`. */
  readonly file: URL;
  readonly name: string;
  /** Only for the compiler; never set. */
  readonly types?: (input: Input) => Output;
}

export type TaskOutcome<Output> =
  | { readonly ok: true; readonly value: Output }
  | { readonly ok: false; readonly error: PlainError }
  | { readonly ok: false; readonly thrown: string };

/**
 * Wraps a function for a worker file's export, so that its errors keep code, message and details.
 * What is not one of our errors keeps its message alone.
 */
export function threadTask<Input, Output>(
  work: (input: Input) => Output | Promise<Output>,
): (input: Input) => Promise<TaskOutcome<Output>> {
  return async (input) => {
    try {
      return { ok: true, value: await work(input) };
    } catch (error) {
      if (isPlainErrorLike(error)) return { ok: false, error: plainError(error) };
      return { ok: false, thrown: messageOf(error) };
    }
  };
}

/** By shape, not by class: the thread may have loaded another copy of this package. */
function isPlainErrorLike(error: unknown): error is MillraceError {
  return (
    error instanceof Error &&
    typeof (error as Partial<MillraceError>).code === "string" &&
    typeof (error as Partial<MillraceError>).toJSON === "function"
  );
}

/** Details that cannot be cloned must not cost the error its code. */
function plainError(error: MillraceError): PlainError {
  const plain = error.toJSON();
  try {
    return structuredClone(plain);
  } catch {
    return { ...plain, details: {} };
  }
}

/** The error that a thread reported, as an error again. */
export function reviveError(plain: PlainError): MillraceError {
  return new MillraceError(plain);
}
