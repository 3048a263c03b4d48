/**
 * Writes jobs, for users who submit documents from TypeScript: the same JSON that nv-ingest's own
 * clients push. It reads no file.
 */
import { z } from "zod";
import { epochNanoseconds, parseOptions } from "../core/index.js";
import { isDocumentType, normaliseDocumentType } from "./enums.js";
import { MessageErrors } from "./errors.js";
import type { TaskDocument } from "./task-documents.js";

/** Documents of these types travel as text; all others as base64. */
const TEXT_LIKE_TYPES: ReadonlySet<string> = new Set(["text", "html"]);

const JobDocumentOptions = z.strictObject({
  name: z.string().min(1).describe("File name; stands in every row of the result."),
  id: z.string().optional().describe("What the source is known by. The name unless given."),
  type: z
    .string()
    .optional()
    .describe("Document type such as pdf or text. Told from the name's extension unless given."),
  content: z
    .union([z.string(), z.custom<Uint8Array>((content) => content instanceof Uint8Array)])
    .describe("The document's bytes; as text: the text of a text document, base64 of others."),
});

export const CreateJobOptions = z.strictObject({
  documents: z.array(JobDocumentOptions).describe("One document per job is the norm."),
  tasks: z
    .array(z.custom<TaskDocument>((task) => typeof task === "object" && task !== null))
    .default([])
    .describe("What to do, in order; see extractTask and splitTask."),
  tracing: z.boolean().default(true).describe("Asks for trace and annotations in the result."),
  traceId: z
    .string()
    .regex(/^(?!0{32})[0-9a-f]{32}$/, "must be 32 hex digits, not all of them 0")
    .optional()
    .describe("Trace that the job belongs to, as OpenTelemetry writes it; spans of it go there."),
  jobId: z
    .string()
    .default("None")
    .describe("Names the result's queue. A broker replaces it on PUSH_FOR_NV_INGEST."),
});
export type CreateJobOptions = z.input<typeof CreateJobOptions>;

/** A job as clients push it. */
export interface JobDocument {
  job_payload: {
    source_name: string[];
    source_id: string[];
    content: string[];
    document_type: string[];
  };
  job_id: string;
  tasks: TaskDocument[];
  tracing_options: { trace: boolean; ts_send: number; trace_id?: string };
  pdf_config: Record<string, unknown>;
}

/**
 * The job for these documents and tasks.
 *
 * @throws OPTIONS_INVALID
 * @throws MESSAGE_DOCUMENT_TYPE_UNKNOWN when a name's extension is not known and no type is given.
 * @throws MESSAGE_DOCUMENT_NOT_UTF8 when the bytes of a text document are not UTF-8.
 */
export function createJob(options: CreateJobOptions): JobDocument {
  const config = parseOptions(CreateJobOptions, options, "createJob");
  const { documents, tasks, tracing, traceId, jobId } = config;
  const types = documents.map(({ name, type }) => documentTypeOf(name, type));
  return {
    job_payload: {
      source_name: documents.map(({ name }) => name),
      source_id: documents.map(({ id, name }) => id ?? name),
      content: documents.map(({ name, content }, index) =>
        TEXT_LIKE_TYPES.has(types[index] as string) ? textOf(name, content) : base64Of(content),
      ),
      document_type: types,
    },
    job_id: jobId,
    tasks,
    // The rounding of a number of this size is below a microsecond.
    tracing_options: {
      trace: tracing,
      ts_send: Number(epochNanoseconds()),
      // In decimal digits, as nv-ingest's own clients write it and its service reads it.
      ...(traceId !== undefined && { trace_id: BigInt(`0x${traceId}`).toString() }),
    },
    pdf_config: {},
  };
}

/** The job as the text that goes into a queue. */
export function encodeJob(job: JobDocument): string {
  return JSON.stringify(job);
}

/** The document type that a file name's extension stands for, or undefined. */
export function documentTypeOfName(name: string): string | undefined {
  const extension = /\.([^./\\]{1,8})$/.exec(name)?.[1];
  if (extension === undefined) return undefined;
  const type = normaliseDocumentType(extension);
  return isDocumentType(type) && type !== "unknown" ? type : undefined;
}

function documentTypeOf(name: string, given: string | undefined): string {
  const type = given === undefined ? documentTypeOfName(name) : normaliseDocumentType(given);
  if (type === undefined) throw MessageErrors.DOCUMENT_TYPE_UNKNOWN({ name });
  return type;
}

function textOf(name: string, content: string | Uint8Array): string {
  if (typeof content === "string") return content;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw MessageErrors.DOCUMENT_NOT_UTF8({ name }, cause);
  }
}

function base64Of(content: string | Uint8Array): string {
  if (typeof content === "string") return content;
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("base64");
}
