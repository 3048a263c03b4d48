/**
 * Asks a model over HTTP: JSON or a form goes there, JSON comes back.
 *
 * The key goes into one header and nowhere else: texts of errors are made of the endpoint's host and
 * path, the status and what the server said, with the key taken out of it. Redirects are not followed,
 * so nothing goes to where nobody configured it to go.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  backoffMs,
  clampTimerMs,
  isRetryable,
  linkSignals,
  MillraceError,
  messageOf,
  retryAfterMs,
  sharedAbortController,
} from "../../core/index.js";
import type { StageContext } from "../../pipeline/index.js";
import { StagesErrors } from "../errors.js";
import { readApiKey } from "./api-key.js";
import type { EndpointConfig } from "./endpoint-options.js";
import { parseJson, readBounded, refusalText } from "./read-answer.js";
import { Slots } from "./slots.js";

const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** An endpoint that asks to be left alone for longer is not asked again: whoever runs the stage may. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Statuses below 500 that mean "not now". */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** What a call takes from the work it is a part of; a stage's context has all of it. */
export type CallContext = Pick<StageContext, "signal" | "logger" | "circuit">;

export class EndpointClient {
  /** Host and path, for texts and circuits. */
  readonly endpoint: string;
  readonly #config: EndpointConfig;
  readonly #apiKey: string | undefined;
  readonly #slots: Slots;

  /** Reads the key's file and connects to nothing. @throws STAGES_API_KEY_UNREADABLE */
  constructor(config: EndpointConfig) {
    this.#config = config;
    this.#apiKey = readApiKey(config);
    this.#slots = new Slots(config.concurrency);
    this.endpoint = labelOf(new URL(config.url));
  }

  /**
   * What the server answers to a POST, parsed. Repeated while the endpoint cannot be reached, takes too
   * long, or answers 408, 425, 429 or 5xx; after a `Retry-After` as that says, when that is a minute
   * at most.
   *
   * @param path behind the URL, for example `/embeddings`; not added where the URL ends with it
   * @throws STAGES_ENDPOINT_UNAVAILABLE or CIRCUIT_OPEN after the last attempt,
   *   STAGES_ENDPOINT_REFUSED, STAGES_ENDPOINT_ANSWER_INVALID, or the signal's reason
   */
  async post(path: string, body: object | FormData, context: CallContext): Promise<unknown> {
    const { signal, logger } = context;
    const url = urlOf(this.#config.url, path);
    const circuit = context.circuit(this.endpoint);
    // Written once, however often it is sent.
    const sent = body instanceof FormData ? body : JSON.stringify(body);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#slots.run(signal, () =>
          circuit.run(() => this.#attempt(url, sent, signal)),
        );
      } catch (error) {
        signal.throwIfAborted();
        const askedMs = retryAfterMs(error) ?? 0;
        const isLast = attempt >= this.#config.maxAttempts || askedMs > RETRY_AFTER_MS_MAX;
        if (isLast || !isRetryable(error)) throw error;
        const pauseMs = Math.max(askedMs, backoffMs(attempt, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
        const told = { endpoint: this.endpoint, attempt, pauseMs, reason: messageOf(error) };
        logger.debug(told, "a model is asked again after a pause");
        await pause(pauseMs, signal);
      }
    }
  }

  async #attempt(url: URL, body: string | FormData, outer: AbortSignal): Promise<unknown> {
    const { timeoutMs } = this.#config;
    const controller = sharedAbortController();
    const { signal, unlink } = linkSignals(outer, controller.signal);
    const timer = setTimeout(() => controller.abort(), clampTimerMs(timeoutMs));
    try {
      const headers = this.#headersFor(body);
      return await this.#read(
        await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" }),
        labelOf(url),
      );
    } catch (error) {
      outer.throwIfAborted();
      if (error instanceof MillraceError) throw error;
      const late = controller.signal.aborted ? `no answer within ${timeoutMs} ms` : undefined;
      const reason = late ?? lossOf(error);
      throw StagesErrors.ENDPOINT_UNAVAILABLE({ endpoint: labelOf(url), reason });
    } finally {
      clearTimeout(timer);
      unlink();
    }
  }

  #headersFor(body: string | FormData): Record<string, string> {
    return {
      Accept: "application/json",
      ...(typeof body === "string" && { "Content-Type": "application/json" }),
      ...(this.#apiKey !== undefined && { Authorization: `Bearer ${this.#apiKey}` }),
    };
  }

  async #read(response: Response, endpoint: string): Promise<unknown> {
    const { status, ok } = response;
    const body = response.body as ReadableStream<Uint8Array> | null;
    const invalid = (reason: string) => StagesErrors.ENDPOINT_ANSWER_INVALID({ endpoint, reason });
    if (status >= 300 && status < 400) {
      await body?.cancel();
      throw invalid(
        `it redirects (${status}), which is not followed; give the last address as url`,
      );
    }
    if (!ok) throw await this.#refusalOf(response, endpoint);
    const { maxResponseBytes } = this.#config;
    const bytes = await readBounded(body, maxResponseBytes);
    if (bytes === undefined) {
      throw invalid(
        `it has more than the ${maxResponseBytes} bytes that "maxResponseBytes" allows`,
      );
    }
    const json = parseJson(bytes);
    if (json === undefined) throw invalid(`its ${bytes.length} bytes are no JSON`);
    return json;
  }

  async #refusalOf(response: Response, endpoint: string): Promise<MillraceError> {
    const { status, headers } = response;
    const body = response.body as ReadableStream<Uint8Array> | null;
    const said = await refusalText(body, this.#apiKey);
    if (status < 500 && !TRANSIENT_STATUSES.has(status)) {
      return StagesErrors.ENDPOINT_REFUSED({ endpoint, status, said });
    }
    const asked = retryAfterMs(Object.assign(new Error(), { headers }));
    return StagesErrors.ENDPOINT_UNAVAILABLE({
      endpoint,
      reason: `it answers ${status}${said === "" ? "" : `: ${said}`}`,
      ...(asked !== undefined && { retryAfterMs: asked }),
    });
  }
}

function labelOf({ host, pathname }: URL): string {
  return pathname === "/" ? host : `${host}${pathname}`;
}

/** NIMs are configured by the whole address of a call, OpenAI-like servers by what is before it. */
function urlOf(base: string, path: string): URL {
  const url = new URL(base);
  const before = url.pathname.replace(/\/+$/, "");
  url.pathname = before.endsWith(path) ? before : `${before}${path}`;
  return url;
}

/** What Node says of a connection that failed: its code, no texts. */
function lossOf(error: unknown): string {
  const { code, cause, name } = error as {
    code?: unknown;
    cause?: { code?: unknown; name?: unknown };
    name?: string;
  };
  return String(code ?? cause?.code ?? cause?.name ?? name);
}

/** @throws the signal's reason */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(clampTimerMs(delayMs), undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
