/**
 * The control message: one job on its way through the pipeline. It holds rows, tasks, metadata and
 * times and knows neither brokers nor stages; the delivery it came with stays beside it.
 */
import { epochNanoseconds, newId } from "../core/index.js";
import {
  ANNOTATION_PREFIX,
  type AnnotationInput,
  causeText,
  createAnnotation,
} from "./annotation.js";
import { deepCopy } from "./deep-copy.js";
import type { TaskType } from "./enums.js";
import { MessageErrors } from "./errors.js";
import type { Row } from "./row-metadata.js";
import { matchesCriteria, type TaskCriteria } from "./task-filter.js";
import { type ControlMessageTask, createTask, type TaskInput } from "./tasks.js";
import { toNanoseconds } from "./timestamp.js";
import { TRACE_TAGGING } from "./trace.js";

const NOTED_ERROR = "cm_noted_error";

/** What went wrong, where, and how often it was tried. */
export interface Failure {
  readonly stage: string;
  readonly cause: unknown;
  /** The stage, unless told. */
  readonly sourceId?: string;
  readonly attempts?: number;
}

function describeFailure({ stage, cause, attempts = 1 }: Failure): string {
  const tried = attempts > 1 ? ` after ${attempts} attempts` : "";
  return `Error in ${stage}${tried}: ${causeText(cause)}`;
}

type TaskTypeName = TaskType | (string & {});

export class IngestControlMessage {
  #payload: Row[] = [];
  #tasks: ControlMessageTask[] = [];
  #metadata = new Map<string, unknown>();
  #timestamps = new Map<string, bigint>();
  #config: Record<string, unknown> = {};

  /** The rows, in order. It is the array itself: changing it changes the message. */
  get payload(): Row[] {
    return this.#payload;
  }

  /** @throws TypeError for anything but an array of rows. */
  set payload(rows: Row[]) {
    if (!Array.isArray(rows)) throw new TypeError("The payload must be an array of rows.");
    for (const [index, row] of rows.entries()) {
      if (typeof row !== "object" || row === null || typeof row.documentType !== "string") {
        throw new TypeError(
          `Row ${index} of the payload must be an object with a text "documentType".`,
        );
      }
    }
    this.#payload = rows;
  }

  /** The job this message carries; its result goes to the queue of that name. */
  get jobId(): string | undefined {
    const id = this.#metadata.get("job_id");
    if (typeof id === "string") return id;
    return typeof id === "number" ? String(id) : undefined;
  }

  /** Adds a task at the end. @throws TypeError when it has no type or no object of properties. */
  addTask(task: TaskInput): ControlMessageTask {
    const added = createTask(task);
    this.#tasks.push(added);
    return added;
  }

  /** The tasks in the order they were added; a copy of the list, so removing while looping is safe. */
  getTasks(): ControlMessageTask[] {
    return [...this.#tasks];
  }

  get tasks(): ControlMessageTask[] {
    return this.getTasks();
  }

  hasTask(id: string): boolean {
    return this.#tasks.some((task) => task.id === id);
  }

  /** Whether a task of this type satisfies the criteria (see `matchesCriteria`). */
  hasTaskOfType(type: TaskTypeName, criteria?: TaskCriteria): boolean {
    return this.#indexOfType(type, criteria) !== -1;
  }

  /** Removes and returns the first task with this id. @throws MESSAGE_TASK_UNKNOWN */
  removeTask(id: string): ControlMessageTask {
    const task = this.tryRemoveTask(id);
    if (task === undefined) throw MessageErrors.TASK_UNKNOWN({ id });
    return task;
  }

  /** As `removeTask`, but an unknown id gives `undefined`. */
  tryRemoveTask(id: string): ControlMessageTask | undefined {
    return this.#removeAt(this.#tasks.findIndex((task) => task.id === id));
  }

  /** Removes and returns the first task of this type that satisfies the criteria. */
  takeTask(type: TaskTypeName, criteria?: TaskCriteria): ControlMessageTask | undefined {
    return this.#removeAt(this.#indexOfType(type, criteria));
  }

  /** Removes all tasks of this type and returns their properties, in order. */
  removeAllTasksByType(type: TaskTypeName): Record<string, unknown>[] {
    const removed = this.#tasks.filter((task) => task.type === type);
    if (removed.length > 0) this.#tasks = this.#tasks.filter((task) => task.type !== type);
    return removed.map((task) => task.properties);
  }

  /** Without an argument a copy of the configuration; with one, merges it in, member by member. */
  config(): Record<string, unknown>;
  config(patch: Readonly<Record<string, unknown>>): void;
  config(patch?: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
    if (patch === undefined) return { ...this.#config };
    this.#config = { ...this.#config, ...patch };
    return undefined;
  }

  setMetadata(key: string, value: unknown): void {
    this.#metadata.set(key, value);
  }

  /**
   * By text: the value, else `fallback`. By regular expression: an object of all entries whose key
   * it finds, else `fallback`. Without a key: an object of all entries.
   */
  getMetadata(): Record<string, unknown>;
  getMetadata(key: string, fallback?: unknown): unknown;
  getMetadata(key: RegExp): Record<string, unknown> | undefined;
  getMetadata<F>(key: RegExp, fallback: F): Record<string, unknown> | F;
  getMetadata(key?: string | RegExp, fallback?: unknown): unknown {
    if (key === undefined) return Object.fromEntries(this.#metadata);
    if (typeof key === "string") {
      return this.#metadata.has(key) ? this.#metadata.get(key) : fallback;
    }
    const found = entriesMatching(this.#metadata, key);
    return found.length === 0 ? fallback : Object.fromEntries(found);
  }

  /** All metadata, without the copy that `getMetadata()` makes. */
  metadataEntries(): IterableIterator<[string, unknown]> {
    return this.#metadata.entries();
  }

  /** All timestamps, without the copy that `getTimestamps()` makes. */
  timestampEntries(): IterableIterator<[string, bigint]> {
    return this.#timestamps.entries();
  }

  hasMetadata(key: string | RegExp): boolean {
    if (typeof key === "string") return this.#metadata.has(key);
    return entriesMatching(this.#metadata, key).length > 0;
  }

  /** The keys of all metadata, in the order they were first set. */
  listMetadata(): string[] {
    return [...this.#metadata.keys()];
  }

  /**
   * @param value nanoseconds since 1970, a `Date`, or ISO 8601 text.
   * @throws TypeError when it is none of them.
   */
  setTimestamp(key: string, value: bigint | Date | string): void {
    this.#timestamps.set(key, toNanoseconds(value));
  }

  /**
   * Nanoseconds since 1970, or `undefined` when it was never set.
   * @throws MESSAGE_TIMESTAMP_UNKNOWN instead, when `mustExist`.
   */
  getTimestamp(key: string, mustExist = false): bigint | undefined {
    const value = this.#timestamps.get(key);
    if (value === undefined && mustExist) throw MessageErrors.TIMESTAMP_UNKNOWN({ key });
    return value;
  }

  getTimestamps(): Record<string, bigint> {
    return Object.fromEntries(this.#timestamps);
  }

  /** The timestamps whose key the expression finds. */
  filterTimestamp(key: RegExp): Record<string, bigint> {
    return Object.fromEntries(entriesMatching(this.#timestamps, key));
  }

  /** Leaves a note that goes out with the result when tracing is on or the job failed. */
  annotate(note: AnnotationInput): void {
    const id = newId();
    this.#metadata.set(`${ANNOTATION_PREFIX}${id}`, createAnnotation(note));
    this.#timestamps.set(`${ANNOTATION_PREFIX}${note.message ?? id}`, epochNanoseconds());
  }

  /**
   * Marks the job as failed: later stages skip it and its client gets a failed result that says
   * why. The first failure stays the reason; further ones only add their annotation.
   */
  fail(failure: Failure): void {
    const { stage, cause, sourceId = stage, attempts } = failure;
    const error = causeText(cause);
    const message = describeFailure(failure);
    const tried = attempts === undefined ? {} : { attempts };
    this.markFailed({ sourceId, taskId: stage, message, error, ...tried });
  }

  /** Notes a failure that does not fail the job, and what was done about it: one sentence. */
  noteError(failure: Failure, remedy: string): void {
    const { stage, cause, sourceId = stage, attempts = 1 } = failure;
    const message = `${describeFailure(failure)}; ${remedy}`;
    this.annotate({ sourceId, taskId: stage, message, error: causeText(cause), attempts });
    this.#metadata.set(NOTED_ERROR, true);
  }

  /** Whether the job went on after an error, which its client should hear of. */
  get notedError(): boolean {
    return this.#metadata.get(NOTED_ERROR) === true;
  }

  /** As `fail`, for a text that needs no "Error in" before it. */
  markFailed(note: AnnotationInput & { readonly message: string }): void {
    if (!this.failed) {
      this.#metadata.set("cm_failed", true);
      this.#metadata.set("cm_failed_reason", note.message);
    }
    this.annotate({ ...note, taskResult: "FAILURE" });
  }

  get failed(): boolean {
    return this.#metadata.get("cm_failed") === true;
  }

  get failedReason(): string | undefined {
    const reason = this.#metadata.get("cm_failed_reason");
    return typeof reason === "string" ? reason : undefined;
  }

  /** Whether the times of this job go out with its result. */
  get tracing(): boolean {
    return Boolean(this.#metadata.get(TRACE_TAGGING));
  }

  /** A deep copy: plain data, dates and bytes are copied, functions and class instances shared. */
  copy(): IngestControlMessage {
    const copy = new IngestControlMessage();
    copy.#payload = deepCopy(this.#payload);
    copy.#tasks = this.#tasks.map(({ id, type, properties }) =>
      createTask({ id, type, properties: deepCopy(properties) }),
    );
    copy.#metadata = new Map(deepCopy([...this.#metadata]));
    copy.#timestamps = new Map(this.#timestamps);
    copy.#config = deepCopy(this.#config);
    return copy;
  }

  #indexOfType(type: string, criteria: TaskCriteria | undefined): number {
    return this.#tasks.findIndex(
      (task) =>
        task.type === type &&
        (criteria === undefined || matchesCriteria(task.properties, criteria)),
    );
  }

  #removeAt(index: number): ControlMessageTask | undefined {
    return index === -1 ? undefined : this.#tasks.splice(index, 1)[0];
  }
}

/** Entries by expression. A `g` or `y` flag makes a RegExp remember where it was: start anew each. */
function entriesMatching<V>(entries: ReadonlyMap<string, V>, key: RegExp): [string, V][] {
  return [...entries].filter(([name]) => {
    key.lastIndex = 0;
    return key.test(name);
  });
}
