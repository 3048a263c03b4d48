/**
 * The result document: what a client gets for its job, exactly one per job. Built from a control
 * message on the server's side, read by clients. It knows nothing of queues.
 */
import { z } from "zod";
import { KiB, messageOf, newId } from "../core/index.js";
import { ANNOTATION_PREFIX, type Annotation, causeText, createAnnotation } from "./annotation.js";
import type { IngestControlMessage } from "./control-message.js";
import { MessageErrors } from "./errors.js";
import { injectMetadata } from "./inject-metadata.js";
import { TRACE_PREFIX } from "./trace.js";

/** One row as it stands in a result. */
export interface ResultRow {
  document_type: string;
  metadata: Record<string, unknown>;
}

/** Members stand in the order in which they are sent. */
export interface ResultDocument {
  status: "success" | "failed";
  description: string;
  data: ResultRow[] | null;
  /** From 0. */
  fragment: number;
  fragment_count: number;
  /** Nanoseconds since 1970, as numbers; only with tracing on. */
  trace?: Record<string, number>;
  /** Only with tracing on, when the job failed, or when it went on after an error. */
  annotations?: Record<string, Annotation>;
}

export const SUCCESS_DESCRIPTION = "Successfully processed the message.";
export const FAILURE_DESCRIPTION = "Failed to process the message.";

/**
 * The result of a message, failed or not. Rows without metadata get those of the metadata injector,
 * so a pipeline without any stage gives a useful result.
 *
 * Never throws: a message of which no result can be built gives a failed result with the cause.
 */
export function buildResult(message: IngestControlMessage): ResultDocument {
  if (message.failed) return outcome(message, "failed", FAILURE_DESCRIPTION, null);
  try {
    const data = message.payload.map((row): ResultRow => {
      const { documentType, metadata } = row.metadata ? row : injectMetadata(row);
      return { document_type: documentType, metadata: metadata ?? {} };
    });
    return outcome(message, "success", SUCCESS_DESCRIPTION, data);
  } catch (cause) {
    return failedResult({ cause, message });
  }
}

/**
 * A failed result for a cause that lies outside the stages: no result could be built or sent.
 *
 * It can always be written as JSON: annotations that cannot, or are very long, are left out.
 *
 * @param failure.message the message whose annotations and trace go along.
 * @param failure.description the sentence for people; without it "Failed to forward message: …".
 * @param failure.stage what failed, `message_broker_task_sink` unless given.
 */
export function failedResult(failure: {
  cause: unknown;
  description?: string;
  stage?: string;
  message?: IngestControlMessage;
}): ResultDocument {
  const { cause, stage = "message_broker_task_sink", message } = failure;
  const text = causeText(cause);
  const description = failure.description ?? `Failed to forward message: ${text}`;
  const annotation = createAnnotation({
    sourceId: stage,
    taskId: stage,
    taskResult: "FAILURE",
    message: text,
    error: text,
  });
  const key = `${ANNOTATION_PREFIX}${newId()}`;
  const trace = message?.tracing === true ? { trace: traceOf(message) } : {};
  return {
    status: "failed",
    description,
    data: null,
    fragment: 0,
    fragment_count: 1,
    ...trace,
    annotations: {
      ...(message === undefined ? {} : sendable(annotationsOf(message))),
      [key]: annotation,
    },
  };
}

function outcome(
  message: IngestControlMessage,
  status: ResultDocument["status"],
  description: string,
  data: ResultRow[] | null,
): ResultDocument {
  const { tracing } = message;
  const result: ResultDocument = { status, description, data, fragment: 0, fragment_count: 1 };
  if (tracing) result.trace = traceOf(message);
  if (tracing || status === "failed" || message.notedError) {
    result.annotations = annotationsOf(message);
  }
  return result;
}

function traceOf(message: IngestControlMessage): Record<string, number> {
  const trace: Record<string, number> = {};
  for (const [key, value] of message.timestampEntries()) {
    if (key.startsWith(TRACE_PREFIX)) trace[key] = Number(value);
  }
  return trace;
}

function annotationsOf(message: IngestControlMessage): Record<string, Annotation> {
  const annotations: Record<string, Annotation> = {};
  for (const [key, value] of message.metadataEntries()) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    if (typeof value === "object" && value !== null) annotations[key] = value as Annotation;
  }
  return annotations;
}

/** An annotation above this, as JSON, may be why a result could not be sent. */
const ANNOTATION_LENGTH_MAX = 64 * KiB;

/** Those that can be written for sure: a failed result must not fail for the same reason again. */
function sendable(annotations: Record<string, Annotation>): Record<string, Annotation> {
  const kept = Object.entries(annotations).filter(([, annotation]) => {
    try {
      return JSON.stringify(annotation).length <= ANNOTATION_LENGTH_MAX;
    } catch {
      return false;
    }
  });
  return Object.fromEntries(kept);
}

/**
 * The result as JSON text. NaN and Infinity become null, dates ISO text.
 *
 * @throws MESSAGE_RESULT_NOT_ENCODABLE for a cycle, a bigint, nesting that is too deep for JSON and
 *   a text longer than the platform can hold.
 */
export function encodeResult(document: ResultDocument): string {
  try {
    return JSON.stringify(document);
  } catch (cause) {
    throw MessageErrors.RESULT_NOT_ENCODABLE({ problem: messageOf(cause) }, cause);
  }
}

const LooseRecord = z.record(z.string(), z.unknown());

/** Other servers leave members out, send null for them or add their own: only the shape counts. */
const ReceivedResult = z.object({
  status: z.string().optional(),
  description: z.string().nullish(),
  error_message: z.unknown().optional(),
  data: z
    .array(z.looseObject({ document_type: z.string().default(""), metadata: LooseRecord }))
    .nullish(),
  fragment: z.int().min(0).default(0),
  fragment_count: z.int().min(0).default(1),
  trace: z.record(z.string(), z.number()).nullish(),
  annotations: z.record(z.string(), LooseRecord).nullish(),
});

/**
 * Reads a result document, also one of another server.
 *
 * A job failed when its `status` is `error` or, as in nv-ingest's own client, a part of the word
 * `failed`; so a missing or empty status is a failure.
 * @throws MESSAGE_RESULT_INVALID when the text is no JSON object or a member has the wrong type.
 */
export function parseResult(text: string): ResultDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw MessageErrors.RESULT_INVALID({ problem: "the text is not JSON" }, cause);
  }
  const parsed = ReceivedResult.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join(".") ?? "";
    throw MessageErrors.RESULT_INVALID({ problem: `${path || "document"}: ${issue?.message}` });
  }
  const { status = "", description, error_message, data, fragment, fragment_count } = parsed.data;
  const { trace, annotations } = parsed.data;
  const failed = status === "error" || "failed".includes(status);
  const result: ResultDocument = {
    status: failed ? "failed" : "success",
    description: description ?? (typeof error_message === "string" ? error_message : ""),
    data: data ?? null,
    fragment,
    fragment_count,
  };
  if (trace) result.trace = trace;
  if (annotations) result.annotations = annotations as Record<string, Annotation>;
  return result;
}

/** Why the job failed: the message of the first annotation of a failure, as clients print it. */
export function failureCause(document: ResultDocument): string | undefined {
  for (const { task_result, message } of Object.values(document.annotations ?? {})) {
    if (task_result === "FAILURE" && typeof message === "string") return message;
  }
  return undefined;
}
