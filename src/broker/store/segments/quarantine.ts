/**
 * Keeps what is damaged for whoever may want to look at it: a file for each place, named by segment
 * and offset so that the same damage is kept once. It has a bound; what is beyond it is only told.
 */
import { join } from "node:path";
import { type Logger, MiB, messageOf } from "../../../core/index.js";
import { type FileLayer, readAll, systemCode, writeAll } from "./file-layer.js";

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
  #keptBytes = 0;
  #keptFiles = 0;

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
    await this.keep(fd, damage);
  }

  async keep(fd: number, { file, offset, bytes }: Damage): Promise<void> {
    const path = join(this.#directory, `${file}.${offset}`);
    const kept = Math.min(bytes, KEPT_BYTES_MAX - this.#keptBytes);
    if (kept <= 0 || this.#keptFiles >= KEPT_FILES_MAX) return;
    try {
      await this.#files.makeDirectory(this.#directory);
      const content = await readAll(this.#files, fd, Buffer.allocUnsafe(kept), offset);
      const target = await this.#files.open(path, { isNew: true });
      await writeAll(this.#files, target, [content], 0).finally(() => this.#files.close(target));
      this.#keptBytes += kept;
      this.#keptFiles++;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return;
      this.#logger.warn({ file, offset, reason: messageOf(error) }, "damage could not be kept");
    }
  }
}
