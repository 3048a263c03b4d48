/** Abort signals with a clean end: what is linked is unlinked, and nothing warns of many listeners. */
import { setMaxListeners } from "node:events";

/** A controller whose signal many waits may listen to at once. */
export function sharedAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

const NOTHING = () => {};

/** What ends a call: the first of them that fires. */
export type Signals = AbortSignal | readonly AbortSignal[] | undefined;

export function signalsOf(signals: Signals): readonly AbortSignal[] {
  if (signals === undefined) return [];
  return signals instanceof AbortSignal ? [signals] : signals;
}

export function firedIn(signals: readonly AbortSignal[]): AbortSignal | undefined {
  return signals.find(({ aborted }) => aborted);
}

/** @throws the reason of the first signal that has fired. */
export function throwIfFired(signals: readonly AbortSignal[]): void {
  firedIn(signals)?.throwIfAborted();
}

/** Calls `action` when one of them fires, until the function returned is called. */
export function onFired(signals: readonly AbortSignal[], action: () => void): () => void {
  if (signals.length === 0) return NOTHING;
  for (const signal of signals) signal.addEventListener("abort", action);
  return () => {
    for (const signal of signals) signal.removeEventListener("abort", action);
  };
}

/** A signal that fires when one of several does, until it is unlinked. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  unlink(): void;
}

/**
 * Links signals for the length of one call. `AbortSignal.any` would do the same, but leaves its
 * traces on long-lived signals until they are collected, and calls here are many.
 */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const given = signals.filter((signal) => signal !== undefined);
  const [only] = given;
  if (given.length === 1 && only !== undefined) return { signal: only, unlink: () => {} };
  const controller = sharedAbortController();
  const onAbort = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const signal of given) {
    if (signal.aborted) controller.abort(signal.reason);
    signal.addEventListener("abort", onAbort);
  }
  const unlink = () => {
    for (const signal of given) signal.removeEventListener("abort", onAbort);
  };
  return { signal: controller.signal, unlink };
}
