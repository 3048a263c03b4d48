/**
 * The ingest job: its schema and its reading. It takes what all generations of nv-ingest clients
 * send: unknown members are accepted and named in `warnings`. It knows no control message.
 */
import { z } from "zod";
import { quote, shapeOf } from "../core/index.js";
import { normaliseDocumentType, QUEUE_HINTS, TASK_TYPES, type TaskType } from "./enums.js";
import { MessageErrors } from "./errors.js";
import { boundsFault } from "./job-bounds.js";
import { anyCase, laxBoolean, laxInteger, laxNanoseconds, textOrInteger } from "./lax-types.js";
import { TASK_PROPERTIES } from "./task-properties.js";

/** Clients send one row per job. With metadata a row is some 2 KB, so the result stays in bounds. */
const ROWS_MAX = 10_000;
/** Clients send at most some ten tasks per job; a list of thousands is a mistake or an attack. */
const TASKS_MAX = 1_000;
/** So many faults and warnings are named; the rest is counted. */
const FAULTS_NAMED_MAX = 10;

const Payload = z.looseObject({
  content: z.array(z.string()).describe("Base64, or the text itself for text and HTML."),
  source_name: z.array(z.string()),
  source_id: z.array(textOrInteger()),
  document_type: z.array(z.string().transform(normaliseDocumentType)),
});
const COLUMNS = ["content", "source_name", "source_id", "document_type"] as const;

const TracingOptions = z.looseObject({
  trace: laxBoolean().nullish().describe("On unless it says false."),
  ts_send: laxNanoseconds().nullish().describe("When the client sent the job."),
  trace_id: textOrInteger().nullish(),
  parent_job_id: z.string().nullish(),
  page_num: laxInteger(Number.MIN_SAFE_INTEGER).nullish(),
  total_pages: laxInteger(Number.MIN_SAFE_INTEGER).nullish(),
  queue_hint: z.string().nullish(),
});

const RoutingOptions = z.looseObject({ queue_hint: anyCase(QUEUE_HINTS).nullish() });
const PdfConfig = z.looseObject({ split_page_count: laxInteger(1).nullish() });

const Job = z.looseObject({
  job_payload: Payload,
  job_id: textOrInteger(),
  tasks: z.array(z.unknown()).max(TASKS_MAX),
  tracing_options: TracingOptions.nullish(),
  routing_options: RoutingOptions.nullish(),
  pdf_config: PdfConfig.nullish(),
});

const TaskEnvelope = z.looseObject({
  type: anyCase(TASK_TYPES),
  task_properties: z.record(z.string(), z.unknown()).nullish(),
  raise_on_failure: laxBoolean().nullish(),
});

const SECTIONS = [
  ["job_payload", Payload],
  ["tracing_options", TracingOptions],
  ["routing_options", RoutingOptions],
  ["pdf_config", PdfConfig],
] as const;

/** A job that has the right shape, with defaults filled in and columns turned into rows. */
export interface OpenedJob {
  readonly rows: { documentType: string; content: string; sourceId: string; sourceName: string }[];
  readonly tasks: readonly {
    readonly type: TaskType;
    readonly properties: Record<string, unknown>;
  }[];
  /** Whether the client wants the times of its job; on unless it says no. */
  readonly tracing: boolean;
  /** Nanoseconds since 1970. */
  readonly sentAt: bigint | undefined;
  readonly traceId: string | undefined;
  /** Members that nobody knows, each with its path. */
  readonly warnings: readonly string[];
}

/**
 * Reads a job from its parsed JSON.
 *
 * @param options.strictSchema refuses members that nobody knows instead of warning of them.
 * @throws MESSAGE_JOB_INVALID with all that is wrong, at most ten faults by name.
 */
export function readJob(value: object, options: { strictSchema?: boolean } = {}): OpenedJob {
  const bounds = boundsFault(value);
  if (bounds !== undefined) throw MessageErrors.JOB_INVALID({ faults: [bounds] });
  const job = Job.safeParse(value);
  const faults = job.success ? columnFaults(job.data.job_payload) : faultsOf(job.error, []);
  const unknown = unknownMembers(value, Job, "");
  for (const [name, schema] of SECTIONS) {
    append(unknown, unknownMembers(Reflect.get(value, name), schema, `${name}.`));
  }
  const tasks = readTasks(Reflect.get(value, "tasks"), faults, unknown);
  if (options.strictSchema) append(faults, unknown);
  if (!job.success || faults.length > 0) {
    throw MessageErrors.JOB_INVALID({ faults: named(faults) });
  }
  const { job_payload, tracing_options } = job.data;
  return {
    rows: rowsOf(job_payload),
    tasks,
    tracing: tracing_options?.trace ?? true,
    sentAt: tracing_options?.ts_send ?? undefined,
    traceId: tracing_options?.trace_id ?? undefined,
    warnings: named(unknown),
  };
}

function readTasks(list: unknown, faults: string[], unknown: string[]): OpenedJob["tasks"] {
  const tasks: { type: TaskType; properties: Record<string, unknown> }[] = [];
  // A wrong or too long list is already among the faults of the job.
  if (!Array.isArray(list) || list.length > TASKS_MAX) return tasks;
  for (const [index, raw] of list.entries()) {
    const at = ["tasks", index];
    const envelope = TaskEnvelope.safeParse(raw);
    if (!envelope.success) {
      append(faults, faultsOf(envelope.error, at));
      continue;
    }
    const { type, task_properties } = envelope.data;
    const schema = TASK_PROPERTIES[type];
    const given = task_properties ?? {};
    const properties = schema.safeParse(given);
    if (!properties.success) {
      append(faults, faultsOf(properties.error, [...at, "task_properties"]));
      continue;
    }
    tasks.push({ type, properties: properties.data });
    const path = `tasks[${index}].`;
    append(unknown, unknownMembers(raw, TaskEnvelope, path));
    append(unknown, unknownMembers(given, schema, `${path}task_properties.`));
    const { params } = schema.shape;
    append(unknown, unknownMembers(given.params, params, `${path}task_properties.params.`));
  }
  return tasks;
}

type Columns = z.output<typeof Payload>;

function columnFaults(payload: Columns): string[] {
  const rows = payload.content.length;
  const faults = COLUMNS.filter((name) => payload[name].length !== rows).map(
    (name) => `job_payload.${name}: has ${payload[name].length} elements, but content has ${rows}`,
  );
  if (rows > ROWS_MAX) faults.push(`job_payload.content: has more than ${ROWS_MAX} elements`);
  return faults;
}

function rowsOf(payload: Columns): OpenedJob["rows"] {
  return payload.content.map((content, index) => ({
    // The columns are equally long by now.
    documentType: payload.document_type[index] as string,
    content,
    sourceId: payload.source_id[index] as string,
    sourceName: payload.source_name[index] as string,
  }));
}

/** Members of `value` that the schema of an object does not name; none when it is no such schema. */
function unknownMembers(value: unknown, schema: unknown, path: string): string[] {
  const shape = shapeOf(schema);
  if (shape === undefined || typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return [];
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(shape, key));
  return unknown.map((key) => `${path}${quotedName(key)}: unknown member`);
}

function quotedName(key: string): string {
  return /^\w{1,100}$/.test(key) ? key : quote(key);
}

function faultsOf(error: z.ZodError, at: readonly PropertyKey[]): string[] {
  return error.issues.map((issue) => {
    const path = [...at, ...issue.path].reduce<string>((text, key) => {
      if (typeof key === "number") return `${text}[${key}]`;
      return text === "" ? String(key) : `${text}.${String(key)}`;
    }, "");
    const problem = issue.message.endsWith("received undefined") ? "is missing" : issue.message;
    return `${path === "" ? "job" : path}: ${problem}`;
  });
}

/** Not `push(...more)`: a call with some hundred thousand arguments overflows the stack. */
function append(list: string[], more: readonly string[]): void {
  for (const each of more) list.push(each);
}

function named(faults: readonly string[]): string[] {
  if (faults.length <= FAULTS_NAMED_MAX) return [...faults];
  const more = faults.length - FAULTS_NAMED_MAX;
  return [...faults.slice(0, FAULTS_NAMED_MAX), `and ${more} more`];
}
