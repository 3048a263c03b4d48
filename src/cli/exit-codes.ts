/** The codes that commands end with, and which of them an error means. */

export const ExitCode = {
  DONE: 0,
  SOME_FAILED: 1,
  /** There is no job of that name. */
  NOT_FOUND: 1,
  USAGE: 2,
  NO_BROKER: 69,
  /** Anything else: a fault of ours, or a command that was interrupted before it was done. */
  OTHER: 70,
  FULL: 75,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const BY_KIND: ReadonlyMap<unknown, ExitCode> = new Map<unknown, ExitCode>([
  ["input", ExitCode.USAGE],
  ["transport", ExitCode.NO_BROKER],
  ["limit", ExitCode.FULL],
]);

/** Total; by the error's kind, not its class, since two copies of the package may be loaded. */
export function exitCodeOf(error: unknown): ExitCode {
  const kind = error instanceof Error ? (error as { kind?: unknown }).kind : undefined;
  return BY_KIND.get(kind) ?? ExitCode.OTHER;
}

/** Explained at the end of each help. */
export const EXIT_CODES_HELP =
  "0 done, 1 some documents failed or no such job,\n" +
  "2 usage or configuration, 69 no broker, 75 full or draining,\n" +
  "70 interrupted or anything else";
