/**
 * Sends documents through a pipeline and hands back what became of each. Knows a client and files;
 * who works off the jobs is not its business.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { ClientErrors, type MessageBrokerClient } from "../client/index.js";
import {
  hasCode,
  linkSignals,
  MiB,
  messageOf,
  monotonicMs,
  parseOptions,
  sharedAbortController,
} from "../core/index.js";
import {
  createJob,
  encodeJob,
  extractTask,
  failureCause,
  parseResult,
  type ResultDocument,
} from "../message/index.js";
import { resumedBehind } from "../pipeline/index.js";
import { QueueErrors } from "../wire/index.js";
import { RuntimeErrors } from "./errors.js";
import { type FindOptions, type FoundDocument, findDocuments } from "./find-documents.js";
import { readDocument } from "./read-document.js";
import { characterCount } from "./result-text.js";

export const IngestOptions = z.strictObject({
  taskQueue: z.string().min(1).default("ingest_task_queue").describe("Queue of the jobs."),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(4)
    .describe("Documents in work at a time."),
  textDepth: z
    .enum(["page", "document"])
    .default("page")
    .describe("One row of text per page, or one per document."),
  maxDocumentBytes: z
    .number()
    .int()
    .min(1)
    .max(256 * MiB)
    .default(256 * MiB)
    .describe("Largest document taken in, in bytes."),
  maxBytesInWork: z
    .number()
    .int()
    .min(1 * MiB)
    .default(256 * MiB)
    .describe("Bytes of documents in work at a time; a larger document goes alone."),
  resultTimeoutMs: z
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .default(900_000)
    .describe("How long a document's result may take, waiting in the queue included."),
});
export type IngestOptions = z.input<typeof IngestOptions>;
export type IngestConfig = z.output<typeof IngestOptions>;

/** What became of one document. */
export interface DocumentOutcome {
  readonly path: string;
  /** The path below what was given, with "/"; unique within one call. */
  readonly name: string;
  readonly documentType: string | undefined;
  /** `skipped`: found in a folder and of a kind that is not taken in. */
  readonly status: "success" | "failed" | "skipped";
  readonly rows: number;
  /** Code points of text. */
  readonly characters: number;
  /** From reading the file to having its result. */
  readonly elapsedMs: number;
  /** What was extracted came from a checkpoint: the same document was extracted before. */
  readonly unchanged: boolean;
  /** Also of failed jobs, when the pipeline answered. */
  readonly result?: ResultDocument;
  /** SHA-256 of the bytes that were read, in hex. */
  readonly contentHash?: string;
  /** Why it failed or was skipped. */
  readonly cause?: string;
  /** What failures are counted by: the error's code, else the stage that failed. */
  readonly reason?: string;
}

/** What is known of a document that was ingested before. */
export interface KnownOutcome {
  readonly rows: number;
  readonly characters: number;
}

export interface IngestMeans {
  readonly signal?: AbortSignal | undefined;
  /** Asked when a document was read; what is known of it spares the work. */
  readonly known?:
    | ((name: string, contentHash: string) => Promise<KnownOutcome | undefined>)
    | undefined;
  /** Called when a document's turn has come. */
  readonly onBegun?: ((name: string) => void) | undefined;
}

/** What ends the whole ingestion, because the next document would fare no better. */
const FATAL_CODES = [
  ClientErrors.BROKER_UNAVAILABLE.code,
  ClientErrors.CONNECTIONS_USED_UP.code,
  ClientErrors.CLOSED.code,
  ClientErrors.NOT_A_BROKER.code,
  QueueErrors.FULL.code,
  QueueErrors.UNAVAILABLE.code,
];

/**
 * Ingests files and folders; yields one outcome per file, in the order in which they are done. At
 * most `concurrency` documents and `maxBytesInWork` bytes are in work, and no more are begun while
 * nobody asks for outcomes. Leaving the loop ends what is in work.
 *
 * @throws OPTIONS_INVALID, RUNTIME_PATH_UNREADABLE, RUNTIME_OUTPUT_IS_INPUT, CLIENT_BROKER_UNAVAILABLE, QUEUE_FULL,
 *   QUEUE_UNAVAILABLE, and the signal's reason.
 */
export async function* ingestDocuments(
  client: MessageBrokerClient,
  paths: readonly string[],
  options: IngestOptions & FindOptions & IngestMeans = {},
): AsyncGenerator<DocumentOutcome, void, void> {
  const { signal, known, onBegun, excludeFolder, include, exclude, hidden, ...settings } = options;
  const found = findDocuments(paths, { signal, excludeFolder, include, exclude, hidden });
  yield* ingestFound(client, found, { signal, known, onBegun, ...settings });
}

/**
 * The same for documents that somebody else finds, now and later. Of two with the same name the
 * second waits for the first.
 *
 * @throws as `ingestDocuments`, and what the source throws.
 */
export async function* ingestFound(
  client: MessageBrokerClient,
  source: AsyncIterable<FoundDocument>,
  options: IngestOptions & IngestMeans = {},
): AsyncGenerator<DocumentOutcome, void, void> {
  const { signal, known, onBegun, ...settings } = options;
  const config = parseOptions(IngestOptions, settings, "ingestDocuments");
  const leaving = sharedAbortController();
  const either = linkSignals(signal, leaving.signal);
  const inWork = new Map<FoundDocument, Promise<Done>>();
  const means: Means = { client, config, signal: either.signal, known };
  let bytesInWork = 0;
  const mustWait = (found: FoundDocument) =>
    inWork.size >= config.concurrency ||
    (inWork.size > 0 && bytesInWork + found.sizeBytes > config.maxBytesInWork) ||
    [...inWork.keys()].some(({ name }) => name === found.name);
  const begin = (found: FoundDocument) => {
    either.signal.throwIfAborted();
    bytesInWork += found.sizeBytes;
    onBegun?.(found.name);
    const work = ingest(found, means);
    // Looked at when its turn comes; until then a failure must not end the process.
    work.catch(() => {});
    inWork.set(found, work);
  };
  const walk = source[Symbol.asyncIterator]();
  const step = () => {
    const next = walk.next().then((result) => ({ next: result }));
    next.catch(() => {});
    return next;
  };
  let coming: ReturnType<typeof step> | undefined = step();
  let waiting: FoundDocument | undefined;
  try {
    while (coming !== undefined || waiting !== undefined || inWork.size > 0) {
      if (waiting !== undefined && !mustWait(waiting)) {
        begin(waiting);
        waiting = undefined;
        coming = step();
        continue;
      }
      const event = await Promise.race([...inWork.values(), ...(coming ? [coming] : [])]);
      if ("next" in event) {
        coming = undefined;
        if (event.next.done !== true) waiting = event.next.value;
        continue;
      }
      inWork.delete(event.found);
      bytesInWork -= event.found.sizeBytes;
      yield event.outcome;
    }
  } finally {
    leaving.abort();
    await Promise.allSettled(inWork.values());
    either.unlink();
    // A source that waits for something must be told by its signal; only one at rest can be closed.
    if (coming === undefined) await walk.return?.();
  }
}

interface Done {
  readonly found: FoundDocument;
  readonly outcome: DocumentOutcome;
}

interface Means {
  readonly client: MessageBrokerClient;
  readonly config: IngestConfig;
  readonly signal: AbortSignal;
  readonly known: IngestMeans["known"];
}

async function ingest(found: FoundDocument, means: Means): Promise<Done> {
  const startedAtMs = monotonicMs();
  const { path, name, documentType, isGiven, problem } = found;
  const outcomeOf = (end: Pick<DocumentOutcome, "status"> & Partial<DocumentOutcome>): Done => {
    const elapsedMs = Math.round(monotonicMs() - startedAtMs);
    const none = { rows: 0, characters: 0, unchanged: false };
    return { found, outcome: { path, name, documentType, elapsedMs, ...none, ...end } };
  };
  if (problem !== undefined) {
    const { message: cause, code: reason } = problem;
    return outcomeOf({ status: isGiven ? "failed" : "skipped", cause, reason });
  }
  try {
    const content = await readDocument(found, means.config.maxDocumentBytes);
    const contentHash = createHash("sha256").update(content).digest("hex");
    const known = await means.known?.(name, contentHash);
    if (known !== undefined) {
      return outcomeOf({ ...known, status: "success", unchanged: true, contentHash });
    }
    const result = await sendAndFetch(found, content, means);
    const rows = result.data?.length ?? 0;
    const facts = { rows, unchanged: resumedBehind(result) !== undefined, contentHash, result };
    if (result.status === "success") {
      return outcomeOf({ ...facts, status: "success", characters: characterCount(result) });
    }
    const cause = failureCause(result) ?? (result.description || "the result gives no cause");
    return outcomeOf({ ...facts, status: "failed", cause, reason: failedStage(result) });
  } catch (error) {
    means.signal.throwIfAborted();
    if (FATAL_CODES.some((code) => hasCode(error, code))) throw error;
    return outcomeOf({ status: "failed", cause: messageOf(error), reason: codeOf(error) });
  }
}

/** Results carry no codes, but the name of what failed. */
function failedStage(result: ResultDocument): string {
  for (const { task_result, source_id } of Object.values(result.annotations ?? {})) {
    if (task_result === "FAILURE" && typeof source_id === "string") return source_id;
  }
  return "unknown";
}

/** Of our errors and of the system's. */
function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "unknown";
}

async function sendAndFetch(
  found: FoundDocument,
  content: Uint8Array,
  means: Means,
): Promise<ResultDocument> {
  const { client, config, signal } = means;
  const { taskQueue, resultTimeoutMs } = config;
  const startedAtMs = monotonicMs();
  const leftMs = () => Math.max(1, startedAtMs + resultTimeoutMs - monotonicMs());
  const job = jobOf(found, content, config);
  signal.throwIfAborted();
  const submission = { forNvIngest: true, timeoutMs: leftMs(), signal };
  const { transactionId } = await client.submitMessage(taskQueue, job, submission);
  const text = await client.fetchMessage(transactionId, { timeoutMs: leftMs(), signal });
  if (text === undefined) throw RuntimeErrors.RESULT_LATE({ taskQueue, resultTimeoutMs });
  return parseResult(text);
}

/** The job as text; asks for text alone, which is what the local stages can give. */
function jobOf(found: FoundDocument, content: Uint8Array, config: IngestConfig): string {
  const type = found.documentType as string;
  const task = extractTask({
    documentType: type,
    textDepth: config.textDepth,
    extractImages: false,
    extractTables: false,
    extractCharts: false,
  });
  const document = { name: found.name, type, content };
  return encodeJob(createJob({ documents: [document], tasks: [task] }));
}
