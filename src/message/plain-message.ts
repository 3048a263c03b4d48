/**
 * The control message as plain data, for the border between threads, and back. What matters there are
 * bytes: large ones are handed over instead of copied twice, and views on a larger buffer do not drag
 * it along. It knows no threads.
 */
import { types } from "node:util";
import { KiB } from "../core/index.js";
import { IngestControlMessage } from "./control-message.js";
import { MessageErrors } from "./errors.js";
import { type Bytes, NotPlain, walkPlain } from "./plain-walk.js";
import type { Row } from "./row-metadata.js";

/** Structured clone carries it across. */
export interface PlainMessage {
  readonly content: PlainContent;
  readonly timestamps: readonly (readonly [string, bigint])[];
  /** Those bytes in the content that were a `Buffer`: the border makes a plain Uint8Array of it. */
  readonly buffers: readonly Uint8Array[];
  /** Buffers in the content that are handed over; after the border they are the receiver's. */
  readonly handedOver: readonly ArrayBuffer[];
}

interface PlainContent {
  readonly payload: Row[];
  readonly tasks: readonly PlainTask[];
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly config: Record<string, unknown>;
}

interface PlainTask {
  readonly id: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
}

/** Below it copying costs less than handing over. */
const HANDED_OVER_MIN = 16 * KiB;

/**
 * The message as plain data. It stays whole and its own: `handedOver`, which is to be the list of
 * what is transferred, holds copies, made once. Views that overlap do so no longer afterwards; bytes in
 * shared memory stay there.
 *
 * @param own buffers that may be handed over as they are; the message cannot be used any more then.
 * @throws MESSAGE_NOT_PLAIN
 */
export function toPlain(
  message: IngestControlMessage,
  { own = NONE }: { readonly own?: ReadonlySet<unknown> } = {},
): PlainMessage {
  const tasks = message.getTasks().map(({ id, type, properties }) => ({ id, type, properties }));
  const metadata = new Map(message.metadataEntries());
  const content = { payload: message.payload, tasks, metadata, config: message.config() };
  try {
    return { ...packed(content, own), timestamps: [...message.timestampEntries()] };
  } catch (cause) {
    if (!(cause instanceof NotPlain)) throw cause;
    throw MessageErrors.NOT_PLAIN({ problem: cause.message }, cause);
  }
}

/** The message that `toPlain` was given, of content that has crossed. It takes the content as it is. */
export function fromPlain({ content, timestamps, buffers }: PlainMessage): IngestControlMessage {
  // A `Buffer` is a Uint8Array that inherits from another prototype, and nothing else.
  for (const bytes of buffers) Object.setPrototypeOf(bytes, Buffer.prototype);
  const message = new IngestControlMessage();
  message.payload = content.payload;
  for (const task of content.tasks) message.addTask(task);
  for (const [key, value] of content.metadata) message.setMetadata(key, value);
  for (const [key, value] of timestamps) message.setTimestamp(key, value);
  message.config(content.config);
  return message;
}

const NONE: ReadonlySet<unknown> = new Set();

function packed(
  content: PlainContent,
  own: ReadonlySet<unknown>,
): Omit<PlainMessage, "timestamps"> {
  const found: Bytes[] = [];
  walkPlain(content, (bytes) => found.push(bytes));
  const copies = new Map<Bytes, Bytes>();
  const handedOver = new Set<ArrayBuffer>();
  for (const bytes of found) {
    const buffer = bufferOf(bytes);
    if (types.isSharedArrayBuffer(buffer)) continue;
    const isWhole = bytes.byteLength === buffer.byteLength;
    const isLarge = bytes.byteLength >= HANDED_OVER_MIN;
    const isOwn = isWhole && own.has(buffer);
    if (!isOwn && (isLarge || !isWhole)) copies.set(bytes, copyOf(bytes));
    if (isLarge) handedOver.add(bufferOf(copies.get(bytes) ?? bytes) as ArrayBuffer);
  }
  const replace = (bytes: Bytes) => copies.get(bytes) ?? bytes;
  return {
    content: copies.size === 0 ? content : walkPlain(content, () => {}, replace),
    buffers: found.filter((bytes) => Buffer.isBuffer(bytes)).map(replace) as Uint8Array[],
    handedOver: [...handedOver],
  };
}

function bufferOf(bytes: Bytes): ArrayBufferLike {
  return ArrayBuffer.isView(bytes) ? bytes.buffer : bytes;
}

/** Bytes of the same type in a buffer of their own. Memory that is not zeroed first costs half. */
function copyOf(bytes: Bytes): Bytes {
  const { buffer } = Buffer.allocUnsafeSlow(bytes.byteLength);
  const target = new Uint8Array(buffer);
  if (!ArrayBuffer.isView(bytes)) {
    target.set(new Uint8Array(bytes));
    return buffer;
  }
  target.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const type = VIEWS.get((bytes as Uint8Array)[Symbol.toStringTag]) ?? Uint8Array;
  return new type(buffer);
}

const VIEWS: ReadonlyMap<string, new (buffer: ArrayBuffer) => ArrayBufferView> = new Map(
  [
    DataView,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map((type) => [type.name, type]),
);
