/**
 * What was thrown in a thread, as plain data and as an error again: the border strips errors of their
 * code, and what is no error of ours of all that tells whether another attempt can help.
 */
import {
  isTransient,
  MillraceError,
  messageOf,
  type PlainError,
  retryAfterMs,
} from "../core/index.js";

export type Thrown =
  | { readonly error: PlainError; readonly stack?: string }
  | { readonly foreign: ForeignError; readonly stack?: string };

/** An error without a code of ours: its text, and what `isTransient` and `retryAfterMs` say of it. */
interface ForeignError {
  readonly message: string;
  readonly retry: boolean;
  readonly retryAfterMs?: number;
}

/** An error may carry a document in its text; a sentence fits. */
const TEXT_LENGTH_MAX = 16_384;

/** Total: whatever was thrown. */
export function describeThrown(thrown: unknown): Thrown {
  try {
    const stack = thrown instanceof Error ? { stack: cut(String(thrown.stack)) } : {};
    if (isPlainErrorLike(thrown)) return { error: plainError(thrown), ...stack };
    const askedMs = retryAfterMs(thrown);
    const foreign = {
      message: cut(messageOf(thrown)),
      retry: isTransient(thrown),
      ...(askedMs !== undefined && { retryAfterMs: askedMs }),
    };
    return { foreign, ...stack };
  } catch {
    return { foreign: { message: "something that cannot be described", retry: false } };
  }
}

/** The error again, with the stack it had in its thread. */
export function reviveThrown(thrown: Thrown): Error {
  const error =
    "error" in thrown
      ? new MillraceError(thrown.error)
      : Object.assign(new Error(thrown.foreign.message), {
          retry: thrown.foreign.retry,
          ...(thrown.foreign.retryAfterMs !== undefined && {
            retryAfterMs: thrown.foreign.retryAfterMs,
          }),
        });
  if (thrown.stack !== undefined) error.stack = thrown.stack;
  return error;
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
  const { code, kind, retry, message, details } = error.toJSON();
  const plain = { code, kind, retry: retry === true, message: cut(String(message)) };
  try {
    return { ...plain, details: structuredClone(details) };
  } catch {
    return { ...plain, details: {} };
  }
}

function cut(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
}
