/**
 * Spares an endpoint that fails again and again, and those who would wait for it.
 *
 * closed ──failures in a row reach the limit──> open ──openMs over──> half-open
 *   ^                                            ^                       │ one call is let through
 *   └──────────────────── it succeeds ───────────┼───────────────────────┤
 *                                                └────── it fails ───────┘
 */
import { monotonicMs } from "./clock.js";
import { defineErrors, lookedAt, type MillraceError } from "./errors.js";
import { isTransient, retryAfterMs } from "./transient.js";

export const CircuitErrors = defineErrors("CIRCUIT", {
  OPEN: {
    kind: "transport",
    retry: true,
    about:
      "An endpoint failed several times in a row, so calls to it are refused for a while. " +
      "Is it up? The next attempt after that time goes through.",
    say: ({ endpoint, retryAfterMs }: { endpoint: string; retryAfterMs: number }) =>
      `calls to ${endpoint} are held back for ${Math.ceil(retryAfterMs)} ms: it failed repeatedly`,
  },
});

export interface CircuitBreakerSettings {
  /** Transient failures in a row that open it. */
  readonly failureLimit: number;
  /** How long it stays open, in milliseconds; an endpoint may ask for more by Retry-After. */
  readonly openMs: number;
}

const DEFAULTS: CircuitBreakerSettings = { failureLimit: 5, openMs: 10_000 };
/** However long an endpoint asks to be left alone. */
const OPEN_MS_MAX = 300_000;

export type CircuitState = "closed" | "open" | "half-open";

export class CircuitBreaker {
  readonly endpoint: string;
  readonly #settings: CircuitBreakerSettings;
  #failureCount = 0;
  #openUntilMs: number | undefined;
  #isProbing = false;

  constructor(endpoint: string, settings: Partial<CircuitBreakerSettings> = {}) {
    this.endpoint = endpoint;
    this.#settings = { ...DEFAULTS, ...settings };
  }

  get state(): CircuitState {
    if (this.#openUntilMs === undefined) return "closed";
    return monotonicMs() < this.#openUntilMs ? "open" : "half-open";
  }

  /**
   * Calls the endpoint through `call`. Only transient errors count against it: an answer that refuses
   * the request shows that the endpoint lives. A call that its caller gave up shows neither.
   *
   * @throws CIRCUIT_OPEN without calling, with `details.retryAfterMs`; else what `call` throws.
   */
  async run<T>(call: () => T | Promise<T>): Promise<T> {
    const isProbe = this.#enter();
    try {
      const value = await call();
      this.#close();
      return value;
    } catch (error) {
      if (isGivenUp(error)) throw error;
      if (isTransient(error)) this.#failed(isProbe, retryAfterMs(error) ?? 0);
      else this.#close();
      throw error;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
  }

  /** Whether the call is the one that a half-open circuit lets through. */
  #enter(): boolean {
    const { state, endpoint } = this;
    if (state === "closed") return false;
    if (state === "open" || this.#isProbing) {
      const leftMs = Math.max(0, (this.#openUntilMs as number) - monotonicMs());
      throw CircuitErrors.OPEN({ endpoint, retryAfterMs: leftMs });
    }
    this.#isProbing = true;
    return true;
  }

  #close(): void {
    this.#failureCount = 0;
    this.#openUntilMs = undefined;
  }

  #failed(isProbe: boolean, askedMs: number): void {
    this.#failureCount++;
    if (!isProbe && this.#failureCount < this.#settings.failureLimit) return;
    const openMs = Math.max(this.#settings.openMs, Math.min(askedMs, OPEN_MS_MAX));
    this.#openUntilMs = monotonicMs() + openMs;
  }
}

/** An abort, or the reason of a stage's signal: its time was over, or its pipeline stopped. */
function isGivenUp(error: unknown): boolean {
  return lookedAt(() => {
    const { name, kind } = error as Partial<MillraceError>;
    return error instanceof Error && (name === "AbortError" || kind === "stage");
  }, false);
}

/** Circuits by endpoint. More than `max` of them, and the one unused for longest is forgotten. */
export class CircuitBreakers {
  readonly #circuits = new Map<string, CircuitBreaker>();
  readonly #settings: Partial<CircuitBreakerSettings>;
  readonly #max: number;

  constructor(settings: Partial<CircuitBreakerSettings> = {}, max = 1_000) {
    this.#settings = settings;
    this.#max = max;
  }

  of(endpoint: string): CircuitBreaker {
    const known = this.#circuits.get(endpoint);
    const circuit = known ?? new CircuitBreaker(endpoint, this.#settings);
    this.#circuits.delete(endpoint);
    this.#circuits.set(endpoint, circuit);
    if (this.#circuits.size > this.#max) {
      const [oldest] = this.#circuits.keys();
      if (oldest !== undefined) this.#circuits.delete(oldest);
    }
    return circuit;
  }

  /** The state of each endpoint that was called, for stats. */
  states(): Record<string, CircuitState> {
    return Object.fromEntries([...this.#circuits].map(([name, { state }]) => [name, state]));
  }
}
