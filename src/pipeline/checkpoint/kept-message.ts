/**
 * The form in which a message is kept: what it holds and what stages left on it, without anything
 * that names its job. It knows bytes and messages, not where they are kept.
 */
import { MiB } from "../../core/index.js";
import {
  ANNOTATION_PREFIX,
  type ControlMessageTask,
  type IngestControlMessage,
  type Row,
} from "../../message/index.js";
import { isOfTheJob } from "./checkpoint-keys.js";
import { readValue } from "./value-reader.js";
import { type ByteSink, ValueWriter } from "./value-writer.js";

/** Above it a message is not kept: encoding it would hold its memory twice for too little. */
const BYTES_MAX = 256 * MiB;

/** Annotations of this source are about one job's way, and are not kept. */
export const CHECKPOINT_SOURCE = "checkpoint";

/** What a job brought along before its first stage. */
export interface Brought {
  readonly tasks: readonly ControlMessageTask[];
  /** Keys of metadata. */
  readonly annotations: ReadonlySet<string>;
}

export function broughtBy(message: IngestControlMessage): Brought {
  const annotations = message.listMetadata().filter((key) => key.startsWith(ANNOTATION_PREFIX));
  return { tasks: message.getTasks(), annotations: new Set(annotations) };
}

/** A task: `index` is its place among those that the job brought, null when a stage added it. */
type KeptTask = readonly [index: number | null, type: string, properties: Record<string, unknown>];

interface Kept {
  readonly payload: Row[];
  readonly tasks: readonly KeptTask[];
  readonly config: Record<string, unknown>;
  readonly metadata: readonly (readonly [key: string, value: unknown])[];
}

/** Undefined when the message holds what is no plain data, or too much of it. */
export function encodeKept(
  message: IngestControlMessage,
  brought: Brought,
): Uint8Array | undefined {
  const metadata = [...message.metadataEntries()].filter(([key, value]) => {
    if (isOfTheJob(key) || brought.annotations.has(key)) return false;
    return !key.startsWith(ANNOTATION_PREFIX) || sourceOf(value) !== CHECKPOINT_SOURCE;
  });
  const tasks = message.getTasks().map((task): KeptTask => {
    const index = brought.tasks.findIndex(({ id }) => id === task.id);
    return [index === -1 ? null : index, task.type, task.properties];
  });
  const kept: Kept = { payload: message.payload, tasks, config: message.config(), metadata };
  const collected = new BoundedBytes();
  const writer = new ValueWriter(collected, { sortMembers: false });
  if (!writer.write(kept)) return undefined;
  writer.end();
  return collected.joined();
}

/** Bytes up to the bound; above it none. */
class BoundedBytes implements ByteSink {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  takeBytes(bytes: Uint8Array): void {
    this.#take(bytes.length, () => Uint8Array.prototype.slice.call(bytes));
  }

  takeText(text: string): void {
    this.#take(Buffer.byteLength(text), () => Buffer.from(text));
  }

  joined(): Uint8Array | undefined {
    return this.#bytes > BYTES_MAX ? undefined : Buffer.concat(this.#pieces);
  }

  #take(bytes: number, copy: () => Uint8Array): void {
    this.#bytes += bytes;
    if (this.#bytes > BYTES_MAX) this.#pieces = [];
    else this.#pieces.push(copy());
  }
}

/** Puts what is kept into the message of another job. False, and nothing is done, when it cannot. */
export function restoreKept(
  bytes: Uint8Array,
  message: IngestControlMessage,
  brought: Brought,
): boolean {
  const kept = readKept(bytes, brought);
  if (kept === undefined) return false;
  message.payload = kept.payload;
  for (const { id } of brought.tasks) message.tryRemoveTask(id);
  for (const [index, type, properties] of kept.tasks) {
    const id = index === null ? undefined : brought.tasks[index]?.id;
    message.addTask({ id, type, properties });
  }
  message.config(kept.config);
  for (const [key, value] of kept.metadata) message.setMetadata(key, value);
  return true;
}

/** Its key tells that the bytes are right; that they have the right shape is seen to all the same. */
function readKept(bytes: Uint8Array, { tasks: brought }: Brought): Kept | undefined {
  const { value } = readValue(bytes) ?? {};
  if (!isRecord(value)) return undefined;
  const { payload, tasks, config, metadata } = value;
  const isWhole =
    isListOf(payload, (row) => isRecord(row) && typeof row.documentType === "string") &&
    isListOf(tasks, (task) => isKeptTask(task, brought.length)) &&
    isRecord(config) &&
    isListOf(metadata, (entry) => Array.isArray(entry) && isKeptKey(entry[0]));
  return isWhole ? (value as unknown as Kept) : undefined;
}

function isKeptTask(task: unknown, broughtCount: number): boolean {
  if (!Array.isArray(task)) return false;
  const [index, type, properties] = task;
  const isKnown = index === null || (Number.isInteger(index) && index >= 0 && index < broughtCount);
  return isKnown && typeof type === "string" && type !== "" && isRecord(properties);
}

function isKeptKey(key: unknown): boolean {
  return typeof key === "string" && !isOfTheJob(key);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sourceOf(annotation: unknown): unknown {
  return isRecord(annotation) ? annotation.source_id : undefined;
}
