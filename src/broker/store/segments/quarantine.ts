/**
 * Keeps what is damaged for whoever may want to look at it: a file for each place, named by segment
 * and offset so that the same damage is kept once. It has a bound; what is beyond it is only told.
 */
import { join } from "node:path";
import { type Logger, MiB, messageOf } from "../../../core/index.js";
import { type FileLayer, readAll, systemCode, writeAll } from "./disk/file-layer.js";

const KEPT_BYTES_MAX = 64 * MiB;
const KEPT_FILES_MAX = 1_000;

/** Bytes of a file that are not what was written. */
export interface Damage {
  /** Name of the file without its folder. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export class Quarantine {
  /** How much was found damaged since the store was opened. */
  damagedRecords = 0;
  readonly #files: FileLayer;
  readonly #directory: string;
  readonly #logger: Logger;
  /** What is kept already, also from starts before this one. Undefined until it is needed. */
  #kept: { bytes: number; fileCount: number } | undefined;

  constructor(files: FileLayer, dataDir: string, logger: Logger) {
    this.#files = files;
    this.#directory = join(dataDir, "quarantine");
    this.#logger = logger;
  }

  /** Counts and tells what could be put right. */
  tellMended(damage: Damage): void {
    this.damagedRecords++;
    this.#logger.warn({ ...damage }, "a flipped bit in the store was put right");
  }

  /** Counts and tells what is gone: there are no bytes of it to keep. */
  tellLost(damage: Damage): void {
    this.damagedRecords++;
    this.#logger.error({ ...damage }, "a part of the store is lost");
  }

  /** Counts and tells damage, and keeps its bytes. Never rejects. */
  async take(fd: number, damage: Damage): Promise<void> {
    this.damagedRecords++;
    this.#logger.error({ ...damage }, "a part of the store is damaged");
    await this.#keep(fd, damage);
  }

  async #keep(fd: number, { file, offset, bytes }: Damage): Promise<void> {
    const path = join(this.#directory, `${file}.${offset}`);
    try {
      this.#kept ??= await this.#count();
      const keptBytes = Math.min(bytes, KEPT_BYTES_MAX - this.#kept.bytes);
      if (keptBytes <= 0 || this.#kept.fileCount >= KEPT_FILES_MAX) return;
      const target = await this.#files.open(path, { isNew: true });
      this.#kept.bytes += keptBytes;
      this.#kept.fileCount++;
      try {
        const content = await readAll(this.#files, fd, Buffer.allocUnsafe(keptBytes), offset);
        await writeAll(this.#files, target, [content], 0);
      } finally {
        await this.#files.close(target);
      }
    } catch (error) {
      if (systemCode(error) === "EEXIST") return;
      this.#logger.warn({ file, offset, reason: messageOf(error) }, "damage could not be kept");
    }
  }

  async #count(): Promise<{ bytes: number; fileCount: number }> {
    await this.#files.makeDirectory(this.#directory);
    const names = await this.#files.list(this.#directory);
    let bytes = 0;
    for (const name of names.slice(0, KEPT_FILES_MAX)) {
      bytes += await this.#files.sizeOf(join(this.#directory, name));
    }
    return { bytes, fileCount: names.length };
  }
}
