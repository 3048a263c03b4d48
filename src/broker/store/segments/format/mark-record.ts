/**
 * A mark in the sidecar: what happened to one message of the segment.
 *
 * ```
 * 0 magic FF 6B   2 payload bytes u16   4 kind u8, sequence in 7 bytes   12 CRC-32   16 payload
 * ```
 *
 * The checksum covers everything but itself. Payload is a float64 for `fetched` and JSON for
 * `givenUp` and `state`; the others have none.
 */
import { crc32 } from "node:zlib";
import { applyMark, type Entry, type GivenUp, type Mark } from "../../entry.js";

export const MARK_MAGIC = Buffer.from([0xff, 0x6b]);
export const MARK_BYTES = 16;
const PAYLOAD_BYTES_MAX = 65_535;
/** A mark never has more bytes than this. */
export const MARK_BYTES_MAX = MARK_BYTES + PAYLOAD_BYTES_MAX;
/** A reason longer than this is cut: it is a sentence, and must fit into a payload. */
const TEXT_LENGTH_MAX = 4_000;

const MAGIC_WORD = MARK_MAGIC.readUInt16BE(0);
const SEQUENCE_HIGH = 2 ** 32;
const NOTHING = Buffer.alloc(0);

/** Everything that marks have made of an entry so far: what is written when a message moves. */
export interface EntryState {
  readonly deliveries: number;
  readonly isConfirmed: boolean;
  readonly isTaken: boolean;
  readonly fetchedAtMs?: number | undefined;
  readonly givenUp?: GivenUp | undefined;
  readonly isAnswered: boolean;
  readonly isRemoved: boolean;
}

/** Marks as a sidecar has them: those of the interface, and the store's own two. */
export type StoredMark = Mark | { readonly kind: "removed" } | { kind: "state"; state: EntryState };

/** Numbers of kinds are format: new ones are put at the end. */
const KINDS = [
  "handed",
  "returned",
  "confirmed",
  "taken",
  "fetched",
  "givenUp",
  "answered",
  "revived",
  "removed",
  "state",
] as const satisfies readonly StoredMark["kind"][];

export interface MarkRecord {
  readonly sequence: number;
  readonly mark: StoredMark;
  readonly bytes: number;
}

export function encodeMark(sequence: number, mark: StoredMark): Buffer {
  const payload = payloadOf(mark);
  const bytes = Buffer.allocUnsafe(MARK_BYTES + payload.length);
  bytes.writeUInt16BE(MAGIC_WORD, 0);
  bytes.writeUInt16BE(payload.length, 2);
  const high = KINDS.indexOf(mark.kind) * 2 ** 24 + Math.floor(sequence / SEQUENCE_HIGH);
  bytes.writeUInt32BE(high, 4);
  bytes.writeUInt32BE(sequence % SEQUENCE_HIGH, 8);
  payload.copy(bytes, MARK_BYTES);
  bytes.writeUInt32BE(checksumOf(bytes), 12);
  return bytes;
}

/** The mark that lies whole and sound at `at`, or undefined. */
export function decodeMark(buffer: Buffer, at: number): MarkRecord | undefined {
  if (at + MARK_BYTES > buffer.length || buffer.readUInt16BE(at) !== MAGIC_WORD) return undefined;
  const end = at + MARK_BYTES + buffer.readUInt16BE(at + 2);
  if (end > buffer.length) return undefined;
  const record = buffer.subarray(at, end);
  if (checksumOf(record) !== record.readUInt32BE(12)) return undefined;
  const kind = KINDS[record[4] as number];
  const high = record.readUInt32BE(4) % 2 ** 24;
  const sequence = high * SEQUENCE_HIGH + record.readUInt32BE(8);
  if (kind === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const mark = markOf(kind, record.subarray(MARK_BYTES));
  return mark === undefined ? undefined : { sequence, mark, bytes: record.length };
}

/** Writes a mark into an entry; says nothing of its place. */
export function applyStoredMark(entry: Entry & { isRemoved: boolean }, mark: StoredMark): void {
  if (mark.kind === "removed") entry.isRemoved = true;
  else if (mark.kind === "state") Object.assign(entry, { fetchedAtMs: undefined }, mark.state);
  else applyMark(entry, mark);
}

function checksumOf(record: Buffer): number {
  const head = crc32(record.subarray(0, 12));
  return record.length === MARK_BYTES ? head : crc32(record.subarray(MARK_BYTES), head);
}

function payloadOf(mark: StoredMark): Buffer {
  switch (mark.kind) {
    case "fetched": {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeDoubleBE(mark.atMs);
      return bytes;
    }
    case "givenUp":
      return Buffer.from(JSON.stringify(cut(mark.why)));
    case "state": {
      const { givenUp } = mark.state;
      return Buffer.from(JSON.stringify({ ...mark.state, givenUp: givenUp && cut(givenUp) }));
    }
    default:
      return NOTHING;
  }
}

function cut({ atMs, cause, reason }: GivenUp): GivenUp {
  const [shortCause, shortReason] = [cause, reason].map((text) => text.slice(0, TEXT_LENGTH_MAX));
  return { atMs, cause: shortCause as string, reason: shortReason as string };
}

function markOf(kind: StoredMark["kind"], payload: Buffer): StoredMark | undefined {
  switch (kind) {
    case "fetched":
      return payload.length === 8 ? { kind, atMs: payload.readDoubleBE(0) } : undefined;
    case "givenUp": {
      const why = parse<GivenUp>(payload);
      return why && { kind, why };
    }
    case "state": {
      const state = parse<EntryState>(payload);
      return state && { kind, state: { ...state, givenUp: state.givenUp } };
    }
    default:
      return { kind };
  }
}

/** The checksum held, so this is what was written, but for one chance in 2³². */
function parse<T>(payload: Buffer): T | undefined {
  try {
    return JSON.parse(payload.toString()) as T;
  } catch {
    return undefined;
  }
}
