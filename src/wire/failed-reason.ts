/**
 * The member `failed` of a PUSH: the result says that its job failed, and this is why, in words for
 * people. A broker of ours keeps the job as a dead letter with it. An extension of ours.
 */

/** Longer reasons are refused by brokers, in characters (UTF-16 units); senders cut them. */
export const FAILED_LENGTH_MAX = 4_096;

/** The reason as a broker takes it: not empty, not too long, and well-formed. */
export function failedReason(text: string): string {
  const isLong = text.length > FAILED_LENGTH_MAX;
  const shown = isLong ? `${text.slice(0, FAILED_LENGTH_MAX - 1)}…` : text;
  return shown === "" ? "no reason was given" : shown.toWellFormed();
}
