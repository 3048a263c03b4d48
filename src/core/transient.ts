/** Which errors are worth another attempt, and when their sender wants it. */
import { isRetryable, lookedAt } from "./errors.js";

/** Codes of Node and undici for connections that failed: the next one may not. */
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** HTTP answers that mean "not now". */
const TRANSIENT_STATUSES: ReadonlySet<unknown> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Causes are looked into this far: a chain may be a circle. */
const CAUSES_MAX = 8;

/**
 * Whether trying again later can help. Ours say so themselves; of others, lost connections, HTTP
 * answers that mean "not now" (`status` or `statusCode`) and errors named TimeoutError count, also as
 * the cause of another. Total: anything else is permanent.
 */
export function isTransient(error: unknown): boolean {
  return lookedAt(() => saysTransient(error), false);
}

function saysTransient(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth++) {
    if (isRetryable(at)) return true;
    const { code, status, statusCode, cause } = at as ForeignError;
    if (TRANSIENT_CODES.has(code) || at.name === "TimeoutError") return true;
    if (TRANSIENT_STATUSES.has(status) || TRANSIENT_STATUSES.has(statusCode)) return true;
    at = cause;
  }
  return false;
}

interface ForeignError {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly cause?: unknown;
  readonly retryAfterMs?: unknown;
  readonly details?: { readonly retryAfterMs?: unknown };
  readonly headers?: unknown;
  readonly response?: { readonly headers?: unknown };
}

/**
 * How long the sender of an error asks to be left alone, in milliseconds: a member `retryAfterMs` of
 * the error or its details, else the header Retry-After (seconds or a date) of the error or its
 * response. Undefined when it does not say. Total.
 */
export function retryAfterMs(error: unknown, nowMs: number = Date.now()): number | undefined {
  return lookedAt(() => askedMs(error, nowMs), undefined);
}

function askedMs(error: unknown, nowMs: number): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { retryAfterMs: own, details, headers, response } = error as ForeignError;
  for (const given of [own, details?.retryAfterMs]) {
    if (typeof given === "number" && given >= 0) return given;
  }
  const header = headerOf(headers) ?? headerOf(response?.headers);
  return header === undefined ? undefined : readRetryAfter(header, nowMs);
}

function headerOf(headers: unknown): string | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  const value: unknown =
    headers instanceof Headers
      ? headers.get("retry-after")
      : ((headers as Record<string, unknown>)["retry-after"] ??
        (headers as Record<string, unknown>)["Retry-After"]);
  return typeof value === "string" ? value : undefined;
}

function readRetryAfter(header: string, nowMs: number): number | undefined {
  const text = header.trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
