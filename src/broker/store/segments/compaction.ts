/**
 * Copies what lives in a segment into the active one, so that the segment can be deleted. Records are
 * copied as they are, with their sequences; how the messages stand goes into the sidecar of the new
 * segment. At every moment of it each message stands whole in at least one of the two.
 */
import { MiB } from "../../../core/index.js";
import { type FileLayer, readAll } from "./disk/file-layer.js";
import type { OpenFiles } from "./disk/open-files.js";
import { decodeLogHeader, signedCrc32 } from "./format/log-record.js";
import type { LogWriter } from "./log-writer.js";
import type { MarkWriter } from "./mark-writer.js";
import type { Segment, StoredEntry } from "./segment.js";

/** So much is read and written at once. */
const PIECE_BYTES = MiB;

export interface CompactionParts {
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  readonly log: LogWriter;
  readonly marks: MarkWriter;
}

/** A piece of a log in memory. */
interface Piece {
  readonly start: number;
  readonly bytes: Buffer;
  /** How much the piece would have if the file were whole. */
  readonly fullBytes: number;
}

/**
 * Moves every message it can. What it cannot, because the disk is full or the record damaged, stays
 * where it is.
 *
 * @returns whether nothing lives in the segment any more.
 */
export async function moveLive(segment: Segment, parts: CompactionParts): Promise<boolean> {
  const { openFiles, files } = parts;
  const waiting = [...segment.live].sort((a, b) => b.offset - a.offset);
  await openFiles.use(segment.logPath, async (fd) => {
    while (waiting.length > 0) {
      const { offset: start, recordBytes } = waiting.at(-1) as StoredEntry;
      const memory = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, recordBytes));
      const bytes = await readAll(files, fd, memory, start);
      await movePiece(
        segment,
        { waiting, piece: { start, bytes, fullBytes: memory.length } },
        parts,
      );
    }
  });
  return segment.live.size === 0;
}

/** Takes from the end of `waiting` what lies within the piece, and resolves when it has moved. */
async function movePiece(
  segment: Segment,
  { waiting, piece }: { waiting: StoredEntry[]; piece: Piece },
  { log, marks }: CompactionParts,
): Promise<void> {
  const moves: Promise<void>[] = [];
  while (waiting.length > 0) {
    const entry = waiting.at(-1) as StoredEntry;
    const at = entry.offset - piece.start;
    // Removed since: then it may lie anywhere, and is of no interest.
    if (segment.live.has(entry)) {
      if (at + entry.recordBytes > piece.fullBytes) break;
      const record = soundRecord(entry, piece.bytes.subarray(at, at + entry.recordBytes));
      if (record === undefined) segment.isDamaged = true;
      else moves.push(log.append({ ...record, target: new Move(entry, marks) }));
    }
    waiting.pop();
  }
  await Promise.all(moves);
}

/** Header and body of the entry's record when they are what was stored. */
function soundRecord(
  entry: StoredEntry,
  bytes: Buffer,
): { header: Buffer; body: Buffer } | undefined {
  const header = bytes.subarray(0, entry.headerBytes);
  const body = bytes.subarray(entry.headerBytes);
  const isSound =
    decodeLogHeader(header, 0)?.sequence === entry.sequence &&
    body.length === entry.bodyBytes &&
    signedCrc32(body) === entry.bodyCrc;
  return isSound ? { header, body } : undefined;
}

/** What is done when the copy is on the disk; marks that were made meanwhile are in the state. */
class Move {
  readonly #entry: StoredEntry;
  readonly #marks: MarkWriter;

  constructor(entry: StoredEntry, marks: MarkWriter) {
    this.#entry = entry;
    this.#marks = marks;
  }

  place(segment: Segment, offset: number): void {
    this.#entry.segment?.copiedInto.add(segment);
    this.#entry.place(segment, offset);
    void this.#marks.write(this.#entry, { kind: "state", state: this.#entry.state });
  }
}
