/**
 * Checkpoints as files, one each, in a folder that several processes may share and that outlives
 * them. A checkpoint is there whole or not at all; whatever goes wrong with one, it is only missing.
 *
 * The bound holds over all processes: each looks at the whole folder again when it wrote a part of
 * what is allowed, and the bound is drawn so low that four of them cannot pass it in between.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, lstat, mkdir, open, realpath, rename, stat } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import {
  type Logger,
  messageOf,
  monotonicMs,
  parseOptions,
  silentLogger,
} from "../../core/index.js";
import type { CheckpointStore } from "../../pipeline/index.js";
import { RuntimeErrors } from "../errors.js";
import { encodeHeader, HEADER_BYTES, readCheckpoint } from "./checkpoint-file.js";
import {
  bytesOnDisk,
  fileOf,
  remove,
  shardOf,
  sweepFolder,
  temporaryFileOf,
} from "./checkpoint-folder.js";
import { type CheckpointConfig, CheckpointOptions } from "./checkpoint-options.js";

/** Parts of `maxBytes`. */
const LARGEST_SHARE = 1 / 4;
const HIGH_SHARE = 7 / 8;
const LOW_SHARE = 3 / 4;
const UNSEEN_SHARE = 1 / 32;

/** Saves that wait for the one before them, with their bytes in memory. */
const WAITING_MAX = 32;
const WARN_EVERY_MS = 600_000;

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS_MAY_WRITE = 0o002;

/** Counts since the store was made. */
export interface CheckpointStoreStats {
  loaded: number;
  missed: number;
  /** Of the missed: files that were damaged, foreign or too old, and were removed. */
  unfit: number;
  stored: number;
  /** Not stored: too large, or too many at a time. */
  refused: number;
  /** Not stored because of the disk. */
  failed: number;
  /** Removed because they were too many or too old. */
  evicted: number;
}

export class FileCheckpointStore implements CheckpointStore {
  readonly #config: CheckpointConfig;
  readonly #logger: Logger;
  #dir: string;
  /** Folders below `dir` that are known to be folders and no links. */
  readonly #shards = new Set<string>();
  #line: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** What the folder holds, as far as is known; undefined before it was looked at. */
  #bytes: number | undefined;
  #unseenBytes = 0;
  #quietUntilMs = 0;
  readonly #stats: CheckpointStoreStats = {
    loaded: 0,
    missed: 0,
    unfit: 0,
    stored: 0,
    refused: 0,
    failed: 0,
    evicted: 0,
  };

  /** Touches nothing. @throws OPTIONS_INVALID */
  constructor(options: CheckpointOptions, dependencies: { readonly logger?: Logger } = {}) {
    this.#config = parseOptions(CheckpointOptions, options, "FileCheckpointStore");
    this.#logger = dependencies.logger ?? silentLogger;
    this.#dir = this.#config.dir;
  }

  getStats(): CheckpointStoreStats {
    return { ...this.#stats };
  }

  /**
   * Makes the folder, for its owner alone. One that is there already stays as it is.
   *
   * @throws RUNTIME_CHECKPOINTS_UNUSABLE also when everybody may write to the folder, and so could
   *   put results into it.
   */
  async open(): Promise<void> {
    const { dir } = this.#config;
    try {
      await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
      this.#dir = await realpath(dir);
      await access(this.#dir, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw RuntimeErrors.CHECKPOINTS_UNUSABLE({ dir, reason: messageOf(error) }, error);
    }
    const { mode } = await stat(this.#dir);
    if (platform() !== "win32" && (mode & OTHERS_MAY_WRITE) !== 0) {
      const reason = "everybody may write to it; choose a folder of its own";
      throw RuntimeErrors.CHECKPOINTS_UNUSABLE({ dir, reason });
    }
  }

  async load(key: string): Promise<Uint8Array | undefined> {
    const name = nameOf(key);
    const path = join(this.#dir, fileOf(name));
    let body: Uint8Array | undefined;
    if (await this.#hasShard(shardOf(name))) {
      const { maxBytes, maxAgeMs } = this.#config;
      const found = await readCheckpoint(path, { name, maxBytes, maxAgeMs });
      if (found === "unfit") {
        this.#stats.unfit++;
        await remove(path);
      } else body = found;
    }
    if (body === undefined) this.#stats.missed++;
    else this.#stats.loaded++;
    return body;
  }

  /** One after the other: how much there is must be known before more is written. */
  async save(key: string, bytes: Uint8Array): Promise<void> {
    const size = bytesOnDisk(HEADER_BYTES + bytes.length);
    if (size > this.#share(LARGEST_SHARE) || this.#waiting >= WAITING_MAX) {
      this.#stats.refused++;
      return;
    }
    this.#waiting++;
    this.#line = this.#line.then(async () => {
      try {
        await this.#makeRoom(size);
        await this.#write(nameOf(key), bytes);
        this.#stats.stored++;
        // Another process may have written as large a one at the same time.
        if (size > this.#share(UNSEEN_SHARE)) await this.#sweep(0);
      } catch (error) {
        this.#tell(error);
      } finally {
        this.#waiting--;
      }
    });
    await this.#line;
  }

  async #makeRoom(size: number): Promise<void> {
    this.#unseenBytes += size;
    const bytes = (this.#bytes ?? Number.POSITIVE_INFINITY) + this.#unseenBytes;
    const isDue = bytes > this.#share(HIGH_SHARE) || this.#unseenBytes > this.#share(UNSEEN_SHARE);
    if (isDue) await this.#sweep(size);
  }

  async #sweep(comingBytes: number): Promise<void> {
    const { bytes, removedCount } = await sweepFolder(this.#dir, {
      highBytes: this.#share(HIGH_SHARE) - comingBytes,
      lowBytes: this.#share(LOW_SHARE) - comingBytes,
      maxAgeMs: this.#config.maxAgeMs,
    });
    this.#bytes = bytes;
    this.#unseenBytes = comingBytes;
    this.#stats.evicted += removedCount;
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    await this.#makeShard(shardOf(name));
    const temporary = join(this.#dir, temporaryFileOf(name));
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    try {
      const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
      try {
        await handle.writeFile(encodeHeader(name, bytes));
        await handle.writeFile(bytes);
      } finally {
        await handle.close();
      }
      await rename(temporary, join(this.#dir, fileOf(name)));
    } catch (error) {
      await remove(temporary);
      throw error;
    }
  }

  async #makeShard(shard: string): Promise<void> {
    if (this.#shards.has(shard)) return;
    await mkdir(join(this.#dir, shard), { recursive: true, mode: FOLDER_MODE });
    if (await this.#hasShard(shard)) return;
    const { dir } = this.#config;
    throw RuntimeErrors.CHECKPOINTS_UNUSABLE({ dir, reason: `${shard} in it is not a folder` });
  }

  async #hasShard(shard: string): Promise<boolean> {
    if (this.#shards.has(shard)) return true;
    const stats = await lstat(join(this.#dir, shard)).catch(() => undefined);
    if (stats?.isDirectory() !== true) return false;
    this.#shards.add(shard);
    return true;
  }

  /** A full disk would otherwise be told with every job. */
  #tell(error: unknown): void {
    this.#stats.failed++;
    // The folder may have been removed: what is known of it is looked at again.
    this.#shards.clear();
    if (monotonicMs() < this.#quietUntilMs) return;
    this.#quietUntilMs = monotonicMs() + WARN_EVERY_MS;
    const details = { dir: this.#config.dir, error: messageOf(error) };
    this.#logger.warn(details, "checkpoints cannot be kept; jobs go on without");
  }

  #share(part: number): number {
    return this.#config.maxBytes * part;
  }
}

/** Whatever a key is, its file's name is 64 digits. */
function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
