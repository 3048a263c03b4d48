/**
 * The one error class and the tables of codes that rooms declare.
 *
 * The code is API, the message is prose. A room writes its table once with `defineErrors` and throws
 * `RoomErrors.THING_WRONG({ … })`, so no code is typed twice. Match errors by `code`, not by
 * `instanceof`: two copies of this package may be loaded.
 */

/**
 * Whose fault it is, and so what to do:
 * `input` the data or the options are wrong; `limit` too big, too many, full or draining;
 * `transport` a connection is lost or timed out, delivery is unknown; `state` called at the wrong
 * time; `stage` a step of the pipeline failed; `internal` an assertion of ours does not hold.
 */
export type ErrorKind = "input" | "limit" | "transport" | "state" | "stage" | "internal";

/** A `MillraceError` as plain data, for threads and processes. */
export interface PlainError {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retry: boolean;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export class MillraceError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retry: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(plain: PlainError, cause?: unknown) {
    super(plain.message, cause === undefined ? undefined : { cause });
    this.name = "MillraceError";
    this.code = plain.code;
    this.kind = plain.kind;
    this.retry = plain.retry;
    this.details = plain.details;
  }

  /** Plain data without cause and stack: what may cross a thread or a process. */
  toJSON(): PlainError {
    const { code, kind, retry, message, details } = this;
    return { code, kind, retry, message, details };
  }
}

/** One row of a room's table. `say` gets the details and returns the sentence for people. */
export interface ErrorRow<D> {
  readonly kind: ErrorKind;
  readonly retry: boolean;
  /** One sentence for `docs/errors.md`: when this happens and what to do. */
  readonly about: string;
  readonly say: (details: D) => string;
}

type Throwers<R extends string, T> = {
  readonly [K in keyof T & string]: T[K] extends ErrorRow<infer D>
    ? ((details: D, cause?: unknown) => MillraceError) & { readonly code: `${R}_${K}` }
    : never;
};

/** Every code that was declared, with what `docs/errors.md` says of it. */
export const errorTable: {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retry: boolean;
  readonly about: string;
}[] = [];

/**
 * Declares a room's errors: `{ FRAME_TOO_LARGE: … }` in room `WIRE` becomes code
 * `WIRE_FRAME_TOO_LARGE` and a function that makes the error.
 */
// biome-ignore lint/suspicious/noExplicitAny: each row has details of its own
export function defineErrors<R extends string, T extends Record<string, ErrorRow<any>>>(
  room: R,
  table: T,
): Throwers<R, T> {
  const throwers: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    const code = `${room}_${name}`;
    const { kind, retry, about } = row;
    errorTable.push({ code, kind, retry, about });
    const make = (details: Record<string, unknown>, cause?: unknown) =>
      new MillraceError({ code, kind, retry, message: row.say(details), details }, cause);
    throwers[name] = Object.assign(make, { code });
  }
  return throwers as Throwers<R, T>;
}

/** What was thrown may be anything, also something that throws itself when it is looked at. */
export function lookedAt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

/** Whether trying again later can help. Total: `false` for anything that is not ours. */
export function isRetryable(error: unknown): boolean {
  return lookedAt(
    () => error instanceof Error && (error as { retry?: unknown }).retry === true,
    false,
  );
}

/** Whether `error` carries this code, whichever copy of the package made it. */
export function hasCode(error: unknown, code: string): boolean {
  return lookedAt(
    () => error instanceof Error && (error as { code?: unknown }).code === code,
    false,
  );
}

/** The text of anything that was thrown, for annotations and logs. Total. */
export function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  const text = lookedAt(() => (error instanceof Error ? `${error.message || error.name}` : ""), "");
  return text === "" ? quote(error) : text;
}

const QUOTE_LENGTH_MAX = 200;

/** A value as it may stand in an error message: JSON-like, cut at 200 characters. Total. */
export function quote(value: unknown): string {
  const kind = lookedAt(() => Object.prototype.toString.call(value), `[${typeof value}]`);
  const text = lookedAt(() => JSON.stringify(value) ?? String(value), kind);
  return text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text;
}
