/** One call of a stage, as the stage sees it. */
import type { CircuitBreaker, Logger } from "../core/index.js";
import type { StageContext } from "./stage.js";

export interface CallFacts {
  readonly logger: Logger;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly circuit: (endpoint: string) => CircuitBreaker;
}

/** Its signal is made when the stage asks for it: most do not, and it costs more than they do. */
export class StageCall implements StageContext {
  readonly logger: Logger;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly circuit: (endpoint: string) => CircuitBreaker;
  readonly config: Readonly<Record<string, unknown>>;
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor({ logger, attempt, timeoutMs, config, circuit }: CallFacts) {
    this.logger = logger;
    this.attempt = attempt;
    this.timeoutMs = timeoutMs;
    this.config = config;
    this.circuit = circuit;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    }
    return this.#controller.signal;
  }

  /** Nobody wants its result any more. */
  abort(reason: unknown): void {
    this.#ended = { reason };
    this.#controller?.abort(reason);
  }
}
