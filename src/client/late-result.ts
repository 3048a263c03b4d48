import { hasCode } from "../core/index.js";
import { QueueErrors } from "../wire/index.js";

/**
 * Whether a result was refused because it is not the one that its job waits for: the job was answered
 * or cancelled before, or given to another consumer. Nothing is left to do for who gets this.
 */
export function isLateResult(error: unknown): boolean {
  return hasCode(error, QueueErrors.JOB_OVER.code) || hasCode(error, QueueErrors.LEASE_OVER.code);
}
