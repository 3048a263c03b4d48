/**
 * Opens a job: JSON text in, control message out. A job that cannot be opened becomes a failed
 * message, so that its client gets an answer that says why. It knows no queue and no delivery.
 */
import {
  epochNanoseconds,
  epochSeconds,
  hasCode,
  type Logger,
  messageOf,
  silentLogger,
} from "../core/index.js";
import { IngestControlMessage } from "./control-message.js";
import { MessageErrors } from "./errors.js";
import { type OpenedJob, readJob } from "./job.js";
import {
  entryKey,
  exitKey,
  LATENCY_TS_SEND,
  NETWORK_TRACE_NAME,
  SOURCE_TRACE_NAME,
  TRACE_TAGGING,
} from "./trace.js";

export interface OpenJobOptions {
  /** Who opens the job; stands in the annotations. */
  readonly sourceName: string;
  /** When the job was fetched, in nanoseconds since 1970. */
  readonly fetchedAt: bigint;
  /** Refuses members that nobody knows, as nv-ingest does. */
  readonly strictSchema?: boolean | undefined;
  readonly logger?: Logger | undefined;
}

/** Results go to a queue of this name, and brokers refuse longer names. */
const JOB_ID_BYTES_MAX = 1_024;

/**
 * The control message of the job that `text` is. Never throws.
 *
 * What is wrong with a job stands in the annotation of a failed message. A text without a readable
 * `job_id` gives a failed message whose `jobId` is undefined: nobody can be answered.
 */
export function openJob(text: string, options: OpenJobOptions): IngestControlMessage {
  const { sourceName, logger = silentLogger } = options;
  const message = new IngestControlMessage();
  try {
    const value = parseObject(text);
    message.setMetadata("timestamp", epochSeconds());
    const jobId = readJobId(value);
    message.setMetadata("response_channel", jobId);
    message.setMetadata("job_id", jobId);
    const job = readJob(value, { strictSchema: options.strictSchema ?? false });
    fill(message, job, options);
    if (job.warnings.length > 0) {
      // Their names are the sender's text; they stand in the annotation, not in the log.
      logger.warn({ jobId, count: job.warnings.length }, "job has members that are not known");
    }
  } catch (cause) {
    const problem = problemOf(cause);
    message.markFailed({
      sourceId: sourceName,
      taskId: "job_validation",
      message: problem,
      error: problem,
    });
    // Why is told to the client alone: the text may quote what stands in the job.
    logger.warn({ jobId: message.jobId }, "job refused");
  }
  return message;
}

function fill(message: IngestControlMessage, job: OpenedJob, options: OpenJobOptions): void {
  const { sourceName, fetchedAt } = options;
  const enteredAt = epochNanoseconds();
  message.payload = job.rows;
  message.annotate({ sourceId: sourceName, message: "Created" });
  if (job.warnings.length > 0) {
    message.annotate({ sourceId: sourceName, message: job.warnings.join("; ") });
  }
  for (const task of job.tasks) message.addTask(task);
  message.setMetadata(TRACE_TAGGING, job.tracing);
  if (job.traceId !== undefined) message.setMetadata("trace_id", job.traceId);
  if (job.tracing) {
    message.setTimestamp(entryKey(SOURCE_TRACE_NAME), enteredAt);
    message.setTimestamp(exitKey(SOURCE_TRACE_NAME), epochNanoseconds());
    if (job.sentAt !== undefined) {
      message.setTimestamp(entryKey(NETWORK_TRACE_NAME), job.sentAt);
      message.setTimestamp(exitKey(NETWORK_TRACE_NAME), fetchedAt);
    }
  }
  message.setTimestamp(LATENCY_TS_SEND, epochNanoseconds());
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The message of a SyntaxError shows a piece of the text, which may be a document's content.
    throw MessageErrors.JOB_INVALID({ faults: ["job: the text is not JSON"] });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw MessageErrors.JOB_INVALID({ faults: ["job: the text is no JSON object"] });
  }
  return value;
}

/** The name of the queue for the result, before anything else can go wrong with the job. */
function readJobId(job: object): string {
  const id: unknown = Object.hasOwn(job, "job_id") ? Reflect.get(job, "job_id") : undefined;
  // A larger number has lost digits in parsing, and its result would go to another queue.
  const text = Number.isSafeInteger(id) ? String(id) : id;
  if (typeof text !== "string" || text === "") {
    const fault = id === undefined ? "is missing" : "must be a text or a whole number";
    throw MessageErrors.JOB_INVALID({ faults: [`job_id: ${fault}`] });
  }
  // No broker takes such a text as the name of a queue, so nobody could be answered.
  if (!text.isWellFormed()) {
    throw MessageErrors.JOB_INVALID({ faults: ["job_id: holds an unpaired surrogate"] });
  }
  if (text.length > JOB_ID_BYTES_MAX || Buffer.byteLength(text) > JOB_ID_BYTES_MAX) {
    const fault = `job_id: is longer than ${JOB_ID_BYTES_MAX} bytes`;
    throw MessageErrors.JOB_INVALID({ faults: [fault] });
  }
  return text;
}

/** The bare faults: "The job is not valid:" before them would tell the client nothing. */
function problemOf(cause: unknown): string {
  if (!hasCode(cause, MessageErrors.JOB_INVALID.code)) return messageOf(cause);
  const { faults } = (cause as { details?: { faults?: readonly string[] } }).details ?? {};
  return faults === undefined ? messageOf(cause) : faults.join("; ");
}
