/** Errors, lifecycle, limits, clocks, ids, logging. Knows no other room. */
export { backoffMs } from "./backoff.js";
export { ByteBudget } from "./byte-budget.js";
export {
  CircuitBreaker,
  CircuitBreakers,
  CircuitErrors,
  type CircuitState,
} from "./circuit-breaker.js";
export { epochNanoseconds, epochSeconds, isoNow, isoTime, monotonicMs } from "./clock.js";
export {
  defineErrors,
  type ErrorKind,
  errorTable,
  hasCode,
  isRetryable,
  MillraceError,
  messageOf,
  type PlainError,
  quote,
} from "./errors.js";
export { Gate } from "./gate.js";
export { newId, processId, processRuns } from "./ids.js";
export { Component, type ComponentState } from "./lifecycle.js";
export { clampTimerMs, GiB, KiB, MiB } from "./limits.js";
export { type Logger, silentLogger } from "./logger.js";
export { nearestKey, OptionErrors, parseOptions, shapeOf } from "./options.js";
export {
  availableMemoryBytes,
  type ProcessUsage,
  processUsage,
  residentFraction,
} from "./process-usage.js";
export { settlesWithin } from "./settles-within.js";
export {
  firedIn,
  type LinkedSignal,
  linkSignals,
  onFired,
  type Signals,
  sharedAbortController,
  signalsOf,
  throwIfFired,
} from "./signals.js";
export { isTransient, retryAfterMs } from "./transient.js";
export { afterThisEvent } from "./turn.js";
export { VERSION } from "./version.js";
