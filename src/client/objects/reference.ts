/**
 * The text that travels in place of a large message, as a job or result would:
 *
 * ```
 * {"millrace_object": {"key": "3f2a…", "bytes": 7340032, "sha256": "9b1c…"}, "job_id": "…"}
 * ```
 *
 * `job_id` is beside it because a broker writes a job's id there without knowing what else is in it.
 */
import { z } from "zod";
import { ObjectErrors } from "./errors.js";
import { isObjectKey, OBJECT_BYTES_MAX } from "./object-store.js";

export interface Reference {
  readonly key: string;
  /** Of the message as UTF-8. */
  readonly bytes: number;
  /** Of the same bytes, as 64 hexadecimal digits. */
  readonly sha256: string;
  readonly jobId?: string;
}

const MARK = /^\s{0,16}\{\s{0,16}"millrace_object"\s{0,16}:/;
/** A job id has up to 256 characters, each up to six in JSON. */
const JOB_ID_LENGTH_MAX = 256;
const REFERENCE_LENGTH_MAX = 2_048;

/** Other members than these are the business of brokers. */
const ReferenceText = z.object({
  millrace_object: z.strictObject({
    key: z.custom<string>(isObjectKey),
    bytes: z.number().int().min(0).max(OBJECT_BYTES_MAX),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  job_id: z.string().max(JOB_ID_LENGTH_MAX).optional(),
});

/** Whether the text begins as a reference does: looks at its first bytes only. */
export function looksLikeReference(text: string): boolean {
  return MARK.test(text);
}

/** @throws OBJECT_REFERENCE_INVALID */
export function encodeReference({ key, bytes, sha256, jobId }: Reference): string {
  const text = JSON.stringify({ millrace_object: { key, bytes, sha256 }, job_id: jobId });
  read(text);
  return text;
}

/**
 * The reference in a message; undefined for a message that is there itself.
 *
 * @throws OBJECT_REFERENCE_INVALID for one that begins as a reference and is none of ours.
 */
export function parseReference(text: string): Reference | undefined {
  return looksLikeReference(text) ? read(text) : undefined;
}

function read(text: string): Reference {
  if (text.length > REFERENCE_LENGTH_MAX) {
    throw ObjectErrors.REFERENCE_INVALID({ reason: "it is too long" });
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw ObjectErrors.REFERENCE_INVALID({ reason: "it is not JSON" });
  }
  const parsed = ReferenceText.safeParse(document);
  if (!parsed.success) {
    const places = parsed.error.issues.map(({ path }) => path.join("."));
    throw ObjectErrors.REFERENCE_INVALID({ reason: `${places.join(", ")} cannot be so` });
  }
  const { millrace_object: object, job_id: jobId } = parsed.data;
  return jobId === undefined ? object : { ...object, jobId };
}
