/**
 * Brings back what a store holds: every segment from the oldest to the youngest, its log and then its
 * marks.
 *
 * A sequence may stand in two segments, when the process ended between the copying of a message and
 * the deletion of the segment it was copied from. The copy in the higher segment holds, with what the
 * marks of both made of it; the lower segment is over.
 */
import { epochSeconds } from "../../../../core/index.js";
import type { Unconfirmed } from "../../message-store.js";
import type { FileLayer } from "../disk/file-layer.js";
import type { OpenFiles } from "../disk/open-files.js";
import { FILE_HEADER_BYTES } from "../format/file-header.js";
import type { LogRecord } from "../format/log-record.js";
import { applyStoredMark } from "../format/mark-record.js";
import { isPastConfirm, Segment, StoredEntry } from "../segment.js";
import type { SegmentList } from "../segment-list.js";
import type { Mender } from "./mender.js";
import { scanLog, scanMarks } from "./scan-segment.js";
import { type FoundHeader, readSegmentHeader } from "./segment-header.js";

export interface RecoveryParts {
  readonly directory: string;
  readonly files: FileLayer;
  readonly openFiles: OpenFiles;
  readonly segments: SegmentList;
  readonly mender: Mender;
}

export interface RecoveredSegments {
  /** Ascending by sequence, without the removed ones. */
  readonly entries: StoredEntry[];
  readonly unconfirmed: Unconfirmed[];
  /** Stand in two segments: how they stand must get into the sidecar of the higher one. */
  readonly moved: StoredEntry[];
  readonly nextSequence: number;
  /** How many segments were found, the empty ones too. */
  readonly segmentCount: number;
}

interface FoundSegment {
  readonly segment: Segment;
  readonly log: FoundHeader;
  readonly marks: FoundHeader;
}

/**
 * Fills `segments`, which stays empty when there is none.
 *
 * @throws STORE_FORMAT_UNKNOWN before anything was touched
 */
export async function recoverSegments(parts: RecoveryParts): Promise<RecoveredSegments> {
  const found = await findSegments(parts);
  const recovery = new Recovery(parts);
  // One that was being made or deleted, and has no log, is cleared away: the one before it is the last.
  const last = found.findLast(hasLog);
  for (const one of found) await recovery.read(one, one === last);
  return { ...recovery.end(), segmentCount: found.length };
}

async function findSegments({ directory, files }: RecoveryParts): Promise<FoundSegment[]> {
  const numbers = new Set<number>();
  for (const name of await files.list(directory)) {
    const [, digits] = /^(\d{8,})\.(?:log|marks)$/.exec(name) ?? [];
    if (digits !== undefined) numbers.add(Number(digits));
  }
  const found: FoundSegment[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const segment = new Segment(directory, number);
    const log = await readSegmentHeader(files, segment.logPath);
    const marks = await readSegmentHeader(files, segment.marksPath);
    found.push({ segment, log, marks });
  }
  return found;
}

function hasLog({ log }: Pick<FoundSegment, "log">): boolean {
  return log.state !== "missing" && log.state !== "short";
}

class Recovery {
  readonly #parts: RecoveryParts;
  readonly #nowMs = epochSeconds() * 1_000;
  /** By sequence, the removed ones too: a copy of one may follow. */
  readonly #entries = new Map<number, StoredEntry>();
  /** Messages whose senders may come again, and their digests. */
  readonly #repeatable: StoredEntry[] = [];
  readonly #digests: string[] = [];
  readonly #moved = new Set<StoredEntry>();
  /** One string for each name, however many messages have it. */
  readonly #queueNames = new Map<string, string>();
  #nextSequence = 0;
  #highestSequence = -1;
  #isAscending = true;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  async read({ segment, log, marks }: FoundSegment, isLast: boolean): Promise<void> {
    const { mender, segments, openFiles } = this.#parts;
    this.#meet(log.nextSequence - 1);
    this.#meet(marks.nextSequence - 1);
    if (!hasLog({ log })) return mender.clearAway(segment);
    await openFiles.use(segment.logPath, (fd) => this.#readLog({ segment, fd, isLast }, log));
    if (marks.state === "missing") {
      mender.tellLost(segment.marksPath, segment.logBytes > FILE_HEADER_BYTES);
      await segments.makeFile(segment, "marks", 0);
    }
    await openFiles.use(segment.marksPath, (fd) => this.#readMarks({ segment, fd }, marks));
    segment.isSealed = !isLast;
    segments.add(segment);
  }

  end(): Omit<RecoveredSegments, "segmentCount"> {
    const all = [...this.#entries.values()];
    if (!this.#isAscending) all.sort((a, b) => a.sequence - b.sequence);
    const entries: StoredEntry[] = [];
    for (const entry of all) {
      if (isPastConfirm(entry.storedAtMs, this.#nowMs)) entry.isConfirmed = true;
      if (!entry.isRemoved) entries.push(entry);
      entry.segment?.add(entry);
    }
    const unconfirmed = this.#repeatable
      .map((entry, index) => ({ entry, digest: this.#digests[index] as string }))
      .filter(({ entry }) => !entry.isConfirmed)
      .map(({ entry, digest }) => ({ entry, digest: Buffer.from(digest, "latin1") }));
    const moved = [...this.#moved];
    return { entries, unconfirmed, moved, nextSequence: this.#nextSequence };
  }

  async #readLog(
    { segment, fd, isLast }: { segment: Segment; fd: number; isLast: boolean },
    header: FoundHeader,
  ): Promise<void> {
    const { files, mender } = this.#parts;
    const bytes = await files.sizeOf(fd);
    const held: (() => void)[] = [];
    const scan = await scanLog({ files, fd, bytes }, isLast, (record, offset, isSound) => {
      if (isSound) {
        // Only now is it known that what came before is no torn end.
        for (const take of held.splice(0)) take();
        this.#take(record, segment, offset, true);
      } else {
        held.push(() => this.#take(record, segment, offset, false));
      }
    });
    const file = { fd, path: segment.logPath, kind: "log" as const, segment, bytes };
    await mender.mend(file, { scan, header, isTornEnd: isLast });
    segment.logBytes = isLast ? scan.end : bytes;
  }

  async #readMarks(
    { segment, fd }: { segment: Segment; fd: number },
    header: FoundHeader,
  ): Promise<void> {
    const { files, mender } = this.#parts;
    const bytes = await files.sizeOf(fd);
    const scan = await scanMarks({ files, fd, bytes }, ({ sequence, mark }) => {
      const entry = this.#entries.get(sequence);
      if (entry?.segment === segment) applyStoredMark(entry, mark);
    });
    const file = { fd, path: segment.marksPath, kind: "marks" as const, segment, bytes };
    await mender.mend(file, { scan, header, isTornEnd: true });
    segment.marksBytes = scan.end;
  }

  #take(record: LogRecord, segment: Segment, offset: number, isSound: boolean): void {
    const known = this.#entries.get(record.sequence);
    if (known === undefined) {
      const entry = this.#add(record, segment, offset);
      if (!isSound || isPastConfirm(record.storedAtMs, this.#nowMs)) return;
      this.#repeatable.push(entry);
      this.#digests.push(record.digest);
      return;
    }
    const { segment: old } = known;
    if (old !== segment) old?.copiedInto.add(segment);
    known.segment = segment;
    known.offset = offset;
    this.#moved.add(known);
  }

  #add(record: LogRecord, segment: Segment, offset: number): StoredEntry {
    let queueName = this.#queueNames.get(record.queueName);
    if (queueName === undefined) {
      queueName = record.queueName;
      this.#queueNames.set(queueName, queueName);
    }
    const { sequence, id, kind, storedAtMs, failed } = record;
    const entry = new StoredEntry(sequence, { queueName, id, kind, storedAtMs, failed }, record);
    entry.segment = segment;
    entry.offset = offset;
    if (sequence <= this.#highestSequence) this.#isAscending = false;
    else this.#highestSequence = sequence;
    this.#meet(sequence);
    this.#entries.set(sequence, entry);
    return entry;
  }

  #meet(sequence: number): void {
    if (sequence >= this.#nextSequence) this.#nextSequence = sequence + 1;
  }
}
