/**
 * Does away with what a scan found wrong, so that it is found once: writes mended headers back, cuts
 * off a torn end, puts what is damaged into quarantine. Every finding is counted and told.
 *
 * That something could not be mended on the disk is no reason not to start: it is found again.
 */
import { basename } from "node:path";
import { type Logger, messageOf } from "../../../../core/index.js";
import { type FileLayer, writeAll } from "../disk/file-layer.js";
import { FILE_HEADER_BYTES, type FileKind } from "../format/file-header.js";
import type { Quarantine } from "../quarantine.js";
import type { Segment } from "../segment.js";
import type { Scan } from "./scan-records.js";
import { type FoundHeader, writeSegmentHeader } from "./segment-header.js";

export interface MendedFile {
  readonly fd: number;
  readonly path: string;
  readonly kind: FileKind;
  readonly segment: Segment;
  readonly bytes: number;
}

export interface Findings {
  readonly scan: Scan;
  readonly header: FoundHeader;
  /** What is behind the last record is a write that did not end, and no damage. */
  readonly isTornEnd: boolean;
}

export class Mender {
  tornBytes = 0;
  readonly #files: FileLayer;
  readonly #quarantine: Quarantine;
  readonly #logger: Logger;

  constructor(files: FileLayer, quarantine: Quarantine, logger: Logger) {
    this.#files = files;
    this.#quarantine = quarantine;
    this.#logger = logger;
  }

  async mend(file: MendedFile, { scan, header, isTornEnd }: Findings): Promise<void> {
    const { fd, path, bytes } = file;
    const name = basename(path);
    await this.#mendHeader(file, header);
    for (const { offset, header: mended } of scan.mended) {
      this.#quarantine.tellMended({ file: name, offset, bytes: mended.length });
      await this.#try(path, () => writeAll(this.#files, fd, [mended], offset));
    }
    for (const { offset, bytes: damaged } of scan.damaged) {
      if (offset >= scan.end) break;
      await this.#quarantine.take(fd, { file: name, offset, bytes: damaged });
    }
    const rest = bytes - scan.end;
    if (rest <= 0) return;
    if (!isTornEnd) {
      await this.#quarantine.take(fd, { file: name, offset: scan.end, bytes: rest });
      return;
    }
    this.tornBytes += rest;
    this.#logger.warn({ file: name, offset: scan.end, bytes: rest }, "a torn end was cut off");
    await this.#try(path, () => this.#files.truncate(fd, scan.end));
  }

  /** Deletes a segment that holds nothing: it was being made, or being deleted, when the store ended. */
  async clearAway(segment: Segment): Promise<void> {
    for (const path of [segment.logPath, segment.marksPath]) {
      await this.#files.unlink(path).catch(() => {});
    }
  }

  /** A file is not there that should be. `isMissed` unless nothing can have been in it. */
  tellLost(path: string, isMissed: boolean): void {
    if (isMissed) this.#quarantine.tellLost({ file: basename(path), offset: 0, bytes: 0 });
  }

  async #mendHeader({ fd, path, kind, segment }: MendedFile, header: FoundHeader): Promise<void> {
    const { state, nextSequence } = header;
    if (state === "sound" || state === "missing") return;
    const damage = { file: basename(path), offset: 0, bytes: FILE_HEADER_BYTES };
    if (state === "mended") this.#quarantine.tellMended(damage);
    if (state === "damaged") await this.#quarantine.take(fd, damage);
    const target = { files: this.#files, fd };
    const segmentNumber = segment.number;
    await this.#try(path, () => writeSegmentHeader(target, kind, { segmentNumber, nextSequence }));
  }

  async #try(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const details = { file: basename(path), reason: messageOf(error) };
      this.#logger.warn(details, "a file of the store could not be mended");
    }
  }
}
