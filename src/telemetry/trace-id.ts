/** The id of a job's trace, in the forms that clients write it, and how spans come into its trace. */
import { randomBytes } from "node:crypto";

const HEX = /^[0-9a-f]{32}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** 2^128 - 1 has 39 digits. */
const DECIMAL = /^\d{1,39}$/;
const TRACE_ID_MAX = 2n ** 128n - 1n;

/**
 * As OpenTelemetry writes it: 32 hex digits. Takes those, a UUID, and a decimal number, which is what
 * the original's clients send. Undefined when the text is none of them, or zero.
 */
export function readTraceId(text: string): string | undefined {
  const lower = text.toLowerCase();
  const hex = UUID.test(lower) ? lower.replaceAll("-", "") : lower;
  if (HEX.test(hex)) return /[^0]/.test(hex) ? hex : undefined;
  if (!DECIMAL.test(text)) return undefined;
  const value = BigInt(text);
  return value > 0n && value <= TRACE_ID_MAX ? value.toString(16).padStart(32, "0") : undefined;
}

/**
 * Ids for an SDK. It asks for the id of a trace while it makes the first span of one, so what begins
 * in `within` begins in the trace of that id.
 */
export class TraceIds {
  #next: string | undefined;

  within<T>(traceId: string | undefined, begin: () => T): T {
    this.#next = traceId;
    try {
      return begin();
    } finally {
      this.#next = undefined;
    }
  }

  generateTraceId(): string {
    return this.#next ?? randomId(16);
  }

  generateSpanId(): string {
    return randomId(8);
  }
}

/** Zero is no id. */
function randomId(byteCount: number): string {
  const id = randomBytes(byteCount).toString("hex");
  return /[^0]/.test(id) ? id : randomId(byteCount);
}
