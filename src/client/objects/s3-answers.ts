/**
 * What an S3 service answers, read in bounds, and what a failure means. Of the texts of services and
 * libraries only codes are passed on, and no causes: they quote what was signed and the key's id.
 */
import { KiB, MillraceError } from "../../core/index.js";
import { ObjectErrors } from "./errors.js";

const FAILURE_BYTES = 16 * KiB;
const FAILURE_CODE = /<Code>([A-Za-z0-9.]{1,64})<\/Code>/;
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
/** Comes with status 400: the service waited too long for the next bytes. */
const TRANSIENT_CODE = "RequestTimeout";
const NO_BUCKET = "NoSuchBucket";

type Body = ReadableStream<Uint8Array> | null;

/** The body; undefined as soon as it has more than `maxBytes`, and then no more of it is read. */
export async function readBounded(body: Body, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** The error that an answer with a status other than 2xx means. */
export async function failureOf(response: Response, where: string): Promise<MillraceError> {
  const { status, body } = response;
  const text = (await readBounded(body as Body, FAILURE_BYTES))?.toString("latin1") ?? "";
  const code = FAILURE_CODE.exec(text)?.[1] ?? "without a code";
  const isTransient = status >= 500 || TRANSIENT_STATUSES.has(status) || code === TRANSIENT_CODE;
  if (!isTransient) return ObjectErrors.STORE_REFUSED({ where, status, code });
  return ObjectErrors.STORE_UNAVAILABLE({ where, reason: `it answers ${status} ${code}` });
}

/** The error that anything thrown during a request means: ours as it is, the rest is the network's. */
export function lossOf(error: unknown, where: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const { code, cause, name } = error as {
    code?: unknown;
    cause?: { code?: unknown };
    name?: string;
  };
  const reason = String(code ?? cause?.code ?? name);
  return ObjectErrors.STORE_UNAVAILABLE({ where, reason });
}

/** Whether the service says that it has no such object, though the bucket is there. */
export function isNoSuchObject(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return false;
  return error.details.status === 404 && error.details.code !== NO_BUCKET;
}
