/** A context for tests that call a stage by themselves. */
import { CircuitBreakers, silentLogger } from "../core/index.js";
import type { StageContext } from "../pipeline/index.js";

/** Never aborted, silent, without options, first attempt, ten minutes; `given` replaces what it names. */
export function stageContext(given: Partial<StageContext> = {}): StageContext {
  const circuits = new CircuitBreakers();
  return {
    signal: new AbortController().signal,
    logger: silentLogger,
    config: {},
    attempt: 1,
    timeoutMs: 600_000,
    circuit: (endpoint) => circuits.of(endpoint),
    ...given,
  };
}
