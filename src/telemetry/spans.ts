/**
 * Writes what happens to jobs as spans: one trace per job, from its submission to its result.
 *
 *   job ── from the submission, or the fetch where that is not known, to the settled job
 *    ├─ queue ── from the submission to the fetch
 *    ├─ stage NAME ── one per attempt
 *    └─ result ── delivery and acknowledgement
 *
 * Names, numbers and codes only: texts of errors may quote a document, so they stay away.
 */
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { epochNanoseconds } from "../core/index.js";
import type { JobEnded, JobObserver, StageEnded } from "./observer.js";
import { readTraceId, type TraceIds } from "./trace-id.js";

/** What is told of a job. */
export interface TracedJob {
  readonly jobId: string | undefined;
  /** As the job has it. */
  readonly traceId: string | undefined;
  /** When its client sent it and when it was fetched, in nanoseconds since 1970. */
  readonly sentAt: bigint | undefined;
  readonly fetchedAt: bigint | undefined;
  /** Of a closed list, each once. */
  readonly documentTypes: readonly string[];
  readonly documentCount: number;
}

export interface SpanMeans {
  readonly tracer: Tracer;
  /** Those that the tracer asks for ids. */
  readonly traceIds: TraceIds;
}

interface OpenJob {
  readonly span: Span;
  readonly context: Context;
  /** When its last stage ended, or it was fetched. */
  workedUntil: bigint;
  errorType: string | undefined;
}

/** A client's clock is not believed further than this. */
const SENT_BEFORE_MAX_NS = 7n * 86_400n * 1_000_000_000n;
const JOB_ID_LENGTH_MAX = 200;

export class SpanObserver<Origin extends object> implements JobObserver<Origin> {
  readonly #means: SpanMeans;
  readonly #describe: (origin: Origin) => TracedJob;
  /** Held by the jobs themselves: one that never ends leaves nothing here. */
  readonly #jobs = new WeakMap<Origin, OpenJob>();

  constructor(means: SpanMeans, describe: (origin: Origin) => TracedJob) {
    this.#means = means;
    this.#describe = describe;
  }

  jobFetched(origin: Origin): void {
    const { tracer, traceIds } = this.#means;
    const job = this.#describe(origin);
    const fetchedAt = job.fetchedAt ?? epochNanoseconds();
    const sentAt = believable(job.sentAt, fetchedAt);
    const span = traceIds.within(traceIdOf(job), () =>
      tracer.startSpan(
        "job",
        { kind: SpanKind.CONSUMER, startTime: timeOf(sentAt ?? fetchedAt), attributes: about(job) },
        ROOT_CONTEXT,
      ),
    );
    const context = trace.setSpan(ROOT_CONTEXT, span);
    this.#jobs.set(origin, { span, context, workedUntil: fetchedAt, errorType: undefined });
    if (sentAt === undefined) return;
    tracer.startSpan("queue", { startTime: timeOf(sentAt) }, context).end(timeOf(fetchedAt));
  }

  stageEnded(event: StageEnded<Origin>): void {
    const { origin, stage, outcome, startedAt, durationMs, attempt, error } = event;
    const job = this.#jobs.get(origin);
    if (job === undefined || outcome === "skipped") return;
    const endedAt = startedAt + BigInt(Math.round(durationMs * 1e6));
    const attributes = {
      "millrace.stage": stage,
      "millrace.attempt": attempt,
      "millrace.outcome": outcome,
    };
    const startTime = timeOf(startedAt);
    const { tracer } = this.#means;
    const span = tracer.startSpan(`stage ${stage}`, { startTime, attributes }, job.context);
    if (outcome !== "processed") {
      const errorType = errorTypeOf(error);
      if (outcome === "failed") job.errorType = errorType;
      markFailed(span, errorType);
    }
    span.end(timeOf(endedAt));
    if (endedAt > job.workedUntil) job.workedUntil = endedAt;
  }

  jobEnded({ origin, outcome }: JobEnded<Origin>): void {
    const job = this.#jobs.get(origin);
    if (job === undefined) return;
    this.#jobs.delete(origin);
    const { span, context, workedUntil, errorType } = job;
    const endedAt = timeOf(later(epochNanoseconds(), workedUntil));
    if (outcome !== "lost") {
      const startTime = timeOf(workedUntil);
      const result = this.#means.tracer.startSpan("result", { startTime }, context);
      if (outcome === "undelivered") markFailed(result, undefined);
      result.end(endedAt);
    }
    span.setAttribute("millrace.outcome", outcome);
    if (outcome !== "processed") markFailed(span, errorType);
    span.end(endedAt);
  }
}

/** A job without a trace of its own gets that of its id, so that its trace can be found by it. */
function traceIdOf({ traceId, jobId }: TracedJob): string | undefined {
  const given = traceId === undefined ? undefined : readTraceId(traceId);
  return given ?? (jobId === undefined ? undefined : readTraceId(jobId));
}

function about({ jobId, documentTypes, documentCount }: TracedJob) {
  return {
    "millrace.job.id": (jobId ?? "").slice(0, JOB_ID_LENGTH_MAX),
    "millrace.document.types": [...documentTypes],
    "millrace.document.count": documentCount,
  };
}

function believable(sentAt: bigint | undefined, fetchedAt: bigint): bigint | undefined {
  if (sentAt === undefined || sentAt > fetchedAt) return undefined;
  return fetchedAt - sentAt > SENT_BEFORE_MAX_NS ? undefined : sentAt;
}

function markFailed(span: Span, errorType: string | undefined): void {
  if (errorType !== undefined) span.setAttribute("error.type", errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The code of an error, else the name of its class; both are words, whatever an error claims. */
function errorTypeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return [code, name].find(isWord) ?? "Error";
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^\w{1,80}$/.test(value);
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function timeOf(nanoseconds: bigint): [seconds: number, nanoseconds: number] {
  return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
}
