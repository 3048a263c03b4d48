/**
 * A mark in the sidecar: what happened to one message of the segment.
 *
 * ```
 * 0 magic FF 6B   2 payload bytes u16   4 kind u8, sequence in 7 bytes   12 CRC-32   16 payload
 * ```
 *
 * The checksum covers everything but itself. Payload is a float64 for `fetched` and `revived`, and JSON for
 * `givenUp` and `state`; the others have none.
 */
import { crc32 } from "node:zlib";
import { applyMark, type Entry, type GivenUp, type Mark } from "../../entry.js";

export const MARK_MAGIC = Buffer.from([0xff, 0x6b]);
const MARK_BYTES = 16;
const PAYLOAD_BYTES_MAX = 65_535;
/** A mark never has more bytes than this. */
export const MARK_BYTES_MAX = MARK_BYTES + PAYLOAD_BYTES_MAX;
/** A reason longer than this is cut: it is a sentence, and must fit into a payload. */
const TEXT_LENGTH_MAX = 4_096;

const MAGIC_WORD = MARK_MAGIC.readUInt16BE(0);
const SEQUENCE_HIGH = 2 ** 32;
const NOTHING = Buffer.alloc(0);

/** Everything that marks have made of an entry so far: what is written when a message moves. */
export interface EntryState {
  readonly sinceMs: number;
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
  bytes.writeUInt32BE(checksumOf(bytes, 0, bytes.length), 12);
  return bytes;
}

/** The mark that lies whole and sound at `at`, or undefined. */
export function decodeMark(buffer: Buffer, at: number): MarkRecord | undefined {
  if (at + MARK_BYTES > buffer.length || buffer.readUInt16BE(at) !== MAGIC_WORD) return undefined;
  const end = at + MARK_BYTES + buffer.readUInt16BE(at + 2);
  if (end > buffer.length) return undefined;
  if (checksumOf(buffer, at, end) !== buffer.readUInt32BE(at + 12)) return undefined;
  const kind = KINDS[buffer[at + 4] as number];
  const high = buffer.readUInt32BE(at + 4) % 2 ** 24;
  const sequence = high * SEQUENCE_HIGH + buffer.readUInt32BE(at + 8);
  if (kind === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const mark = markOf(kind, buffer, at + MARK_BYTES, end);
  return mark === undefined ? undefined : { sequence, mark, bytes: end - at };
}

/** Writes a mark into an entry; says nothing of its place. */
export function applyStoredMark(entry: Entry & { isRemoved: boolean }, mark: StoredMark): void {
  if (mark.kind === "removed") entry.isRemoved = true;
  else if (mark.kind === "state") Object.assign(entry, { fetchedAtMs: undefined }, mark.state);
  else applyMark(entry, mark);
}

function checksumOf(buffer: Buffer, at: number, end: number): number {
  const head = crc32(buffer.subarray(at, at + 12));
  const payloadAt = at + MARK_BYTES;
  return end === payloadAt ? head : crc32(buffer.subarray(payloadAt, end), head);
}

function payloadOf(mark: StoredMark): Buffer {
  switch (mark.kind) {
    case "fetched":
    case "revived": {
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

function markOf(
  kind: StoredMark["kind"],
  buffer: Buffer,
  at: number,
  end: number,
): StoredMark | undefined {
  switch (kind) {
    case "fetched":
    case "revived":
      return end - at === 8 ? { kind, atMs: buffer.readDoubleBE(at) } : undefined;
    case "givenUp": {
      const why = parse<GivenUp>(buffer.toString("utf8", at, end));
      return why && { kind, why };
    }
    case "state": {
      const state = parse<EntryState>(buffer.toString("utf8", at, end));
      return state && { kind, state: { ...state, givenUp: state.givenUp } };
    }
    default:
      return { kind };
  }
}

/** The checksum held, so this is what was written, but for one chance in 2³². */
function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
