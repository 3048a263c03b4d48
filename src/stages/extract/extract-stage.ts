/**
 * The extraction stages: take the `extract` task of their document type, replace the rows of that
 * type by what the extractor found, in place. All work on documents happens in threads; this file
 * knows tasks and rows, not formats.
 */
import { newId, parseOptions, VERSION } from "../../core/index.js";
import {
  type ControlMessageTask,
  completeRowMetadata,
  type IngestControlMessage,
  injectMetadata,
  normaliseDocumentType,
  type Row,
  type RowMetadata,
} from "../../message/index.js";
import type { Stage, StageContext } from "../../pipeline/index.js";
import type { WorkerPool } from "../../workers/index.js";
import { StagesErrors } from "../errors.js";
import { type ExtractConfig, ExtractOptions } from "./extract-options.js";
import { type ExtractParams, parseExtractParams } from "./extract-params.js";
import { extractTask } from "./extract-task.js";
import type { Extraction } from "./extractor.js";

export interface ExtractStageSetup {
  /** Stands in traces and annotations, for example `pdf_extractor`. */
  readonly name: string;
  readonly documentTypes: readonly string[];
  /** Where the work happens; the stage neither starts nor closes it. */
  readonly pool: WorkerPool;
  readonly options?: ExtractOptions;
}

/**
 * One extraction stage. It works on messages with `extract` tasks for its document types.
 *
 * The stage fails with STAGES_* for documents that cannot be read (the text names the cause), with
 * WORKERS_* when a thread could not do its work, or with the signal's reason.
 * @throws OPTIONS_INVALID
 */
export function extractStage(setup: ExtractStageSetup): Stage {
  const types: ReadonlySet<string> = new Set(setup.documentTypes);
  const config = parseOptions(ExtractOptions, setup.options, setup.name);
  const findTasks = (message: IngestControlMessage) =>
    message
      .getTasks()
      .filter((task) => task.type === "extract" && types.has(documentTypeOf(task) ?? ""));
  return {
    name: setup.name,
    // Rows depend on the options too. The extractors have no versions of their own: any release may
    // change what they give, and a number raised by hand would be forgotten one day.
    version: `${VERSION} ${JSON.stringify(config)}`,
    accepts: (message) => findTasks(message).length > 0,
    async process(message, context) {
      const notes: string[] = [];
      const remarks: string[] = [];
      for (const task of firstOfEachType(findTasks(message))) {
        message.removeTask(task.id);
        const extractions = await extractRows({ message, task, setup, config, context });
        notes.push(...new Set(extractions.flatMap((each) => each.notes)));
        remarks.push(...new Set(extractions.flatMap((each) => each.remarks ?? [])));
      }
      if (notes.length > 0 && config.strictCapabilities) {
        throw StagesErrors.CAPABILITY_MISSING({ stage: setup.name, missing: notes });
      }
      for (const note of notes) annotate(message, setup.name, skipped(note));
      for (const remark of remarks) annotate(message, setup.name, remark);
      return message;
    },
  };
}

/** Pictures that one stage takes. SVG is ours; upstream has no stage for it. */
export const IMAGE_TYPES = ["png", "jpeg", "tiff", "bmp", "svg"] as const;

/** Documents that are tables. */
export const SHEET_TYPES = ["csv", "xlsx"] as const;

/** The stages for the formats that need no model: in upstream's order and with its names, then ours. */
export function createExtractStages(pool: WorkerPool, options: ExtractOptions = {}): Stage[] {
  const stage = (name: string, documentTypes: readonly string[]) =>
    extractStage({ name: `${name}_extractor`, documentTypes, pool, options });
  const documents = ["pdf", "docx", "pptx", "html"].map((type) => stage(type, [type]));
  return [
    ...documents,
    stage("image", IMAGE_TYPES),
    stage("sheet", SHEET_TYPES),
    stage("epub", ["epub"]),
    stage("eml", ["eml"]),
  ];
}

/** A second task for the same type finds no rows of it any more, and stays for whoever knows it. */
function firstOfEachType(tasks: readonly ControlMessageTask[]): ControlMessageTask[] {
  const types = tasks.map(documentTypeOf);
  return tasks.filter((_, index) => types.indexOf(types[index]) === index);
}

interface Work {
  readonly message: IngestControlMessage;
  readonly task: ControlMessageTask;
  readonly setup: ExtractStageSetup;
  readonly config: ExtractConfig;
  readonly context: StageContext;
}

/** Replaces the message's rows by those of the extractions, which it returns. */
async function extractRows(work: Work): Promise<Extraction[]> {
  const { message, task, setup, config, context } = work;
  const documentType = documentTypeOf(task);
  const mine = message.payload.filter((row) => isOfType(row, documentType));
  const params = parseExtractParams(task.properties.params);
  const { method } = task.properties;
  const jobOf = (row: Row) => jobForRow(row, { params, method, config });
  const extractions = await inLanes(
    mine,
    setup.pool.config.maxThreads,
    context.signal,
    (row, signal) => setup.pool.run(extractTask, jobOf(row), { signal }),
  );
  const madeOf = new Map(mine.map((row, index) => [row, extractions[index] as Extraction]));
  message.payload = message.payload.flatMap((row) => {
    const made = madeOf.get(row);
    if (made === undefined) return [row];
    return made.rows.map((each) => ({ ...each, uuid: newId() }));
  });
  return extractions;
}

function documentTypeOf(task: ControlMessageTask): string | undefined {
  const type = task.properties.document_type;
  return typeof type === "string" ? normaliseDocumentType(type) : undefined;
}

function isOfType(row: Row, documentType: string | undefined): boolean {
  return normaliseDocumentType(row.documentType) === documentType;
}

interface Asked {
  readonly params: ExtractParams;
  readonly method: unknown;
  readonly config: ExtractConfig;
}

function jobForRow(given: Row, { params, method, config }: Asked) {
  const row = injectMetadata(given);
  const metadata = row.metadata as RowMetadata;
  const documentType = normaliseDocumentType(row.documentType);
  const content = metadata.content === "" ? row.content : metadata.content;
  if (typeof content !== "string") {
    const sourceId = row.sourceId ?? metadata.source_metadata?.source_id ?? "";
    throw StagesErrors.CONTENT_MISSING({ documentType, sourceId });
  }
  const { strictCapabilities: _, ...limits } = config;
  return {
    documentType,
    content,
    ...(typeof method === "string" && { method }),
    params,
    // The document itself must not cross the border twice.
    metadata: withSource({ ...metadata, content: "" }, row),
    limits,
  };
}

/** A function before this stage may have made metadata of its own; extractors count on a source. */
function withSource(metadata: RowMetadata, row: Row): RowMetadata {
  return completeRowMetadata({
    ...metadata,
    source_metadata: metadata.source_metadata ?? {
      source_name: row.sourceName ?? "",
      source_id: row.sourceId ?? "",
      source_type: row.documentType,
    },
  });
}

/**
 * Works on all items, at most `laneCount` at once so that one message cannot fill the pool's line.
 * The first failure aborts the others and is thrown once all have ended.
 */
async function inLanes<T, R>(
  items: readonly T[],
  laneCount: number,
  outer: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const controller = new AbortController();
  const stop = () => controller.abort(outer.reason);
  if (outer.aborted) stop();
  outer.addEventListener("abort", stop, { once: true });
  const results: R[] = [];
  const left = items.entries();
  const lane = async () => {
    for (const [index, item] of left) {
      controller.signal.throwIfAborted();
      results[index] = await work(item, controller.signal);
    }
  };
  const lanes = Array.from({ length: Math.min(laneCount, items.length) }, lane);
  try {
    await Promise.all(lanes);
    return results;
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(lanes);
    outer.removeEventListener("abort", stop);
  }
}

function skipped(note: string): string {
  return note.startsWith("skipped: ") ? note : `skipped: ${note}`;
}

function annotate(message: IngestControlMessage, stage: string, text: string): void {
  message.annotate({ sourceId: stage, taskId: stage, taskResult: "SUCCESS", message: text });
}
