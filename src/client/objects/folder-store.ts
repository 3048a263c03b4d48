/**
 * Objects as files in a folder that machines share, over NFS for example. The key `jobs/3f2a…` is the
 * file `3f/jobs.3f2a….object`.
 *
 * A write goes to a temporary name beside its place, is flushed and then renamed, so who reads finds
 * all of it or nothing, also after a crash. Links are not followed below the folder.
 */
import type { Stats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, rename, stat } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { MillraceError, messageOf, settlesWithin } from "../../core/index.js";
import { withinLimits } from "./call-limits.js";
import { ObjectErrors } from "./errors.js";
import { flushFolder, hasFileCode, readAll, remove, writeFlushed } from "./folder-files.js";
import { fileOf, shardOf, temporaryFileOf } from "./folder-names.js";
import { FolderSweep } from "./folder-sweep.js";
import {
  checkKey,
  OBJECT_BYTES_MAX,
  type ObjectCallOptions,
  type ObjectGetOptions,
  type ObjectStore,
} from "./object-store.js";

/** Machines may run under several users of one group; the umask decides. */
const FOLDER_MODE = 0o770;
const OTHERS_MAY_WRITE = 0o002;

/** A stored object is stored, however long it takes to look for old ones. */
const SWEEP_MS = 1_000;

const FULL_CODES = ["ENOSPC", "EDQUOT"];
const UNUSABLE_CODES = ["EACCES", "EPERM", "EROFS", "ENOTDIR"];
/** ESTALE: another machine deleted it while this one was looking. */
const GONE_CODES = ["ENOENT", "ESTALE"];

// Windows has none of the two; there they are undefined.
const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;

export interface FolderStoreOptions {
  /** Must be there: one that is made here would hide a share that is not mounted. */
  readonly dir: string;
  /** Older objects are removed, some of them after each `put`; by the clock of the disk. */
  readonly maxAgeMs: number;
  /** Longest time of one call. */
  readonly timeoutMs: number;
}

export class FolderStore implements ObjectStore {
  readonly #dir: string;
  readonly #timeoutMs: number;
  readonly #sweep: FolderSweep;

  /** Touches nothing. */
  constructor({ dir, maxAgeMs, timeoutMs }: FolderStoreOptions) {
    this.#dir = dir;
    this.#timeoutMs = timeoutMs;
    this.#sweep = new FolderSweep(dir, maxAgeMs);
  }

  async put(key: string, bytes: Uint8Array, options: ObjectCallOptions = {}): Promise<void> {
    checkKey(key);
    const writtenAtMs = await this.#within(options, (signal) => this.#write(key, bytes, signal));
    await settlesWithin(this.#sweep.step(writtenAtMs), SWEEP_MS);
  }

  async get(key: string, options: ObjectGetOptions = {}): Promise<Buffer | undefined> {
    checkKey(key);
    return this.#within(options, (signal) => this.#read(key, { ...options, signal }));
  }

  async delete(key: string, options: ObjectCallOptions = {}): Promise<void> {
    checkKey(key);
    await this.#within(options, async () => {
      if (await this.#hasShard(key)) await remove(join(this.#dir, fileOf(key)));
    });
  }

  #within<T>({ signal }: ObjectCallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limits = { signal, timeoutMs: this.#timeoutMs, where: this.#dir };
    return withinLimits(limits, async (ended) => {
      try {
        await this.#checkFolder();
        return await work(ended);
      } catch (error) {
        throw this.#failure(error);
      }
    });
  }

  /** Each time: a share can go and come back. */
  async #checkFolder(): Promise<void> {
    let stats: Stats;
    try {
      stats = await stat(this.#dir);
    } catch (error) {
      if (hasFileCode(error, ["ENOENT"])) throw this.#unusable("it is not there");
      throw error;
    }
    if (!stats.isDirectory()) throw this.#unusable("it is not a folder");
    if (platform() !== "win32" && (stats.mode & OTHERS_MAY_WRITE) !== 0) {
      throw this.#unusable("everybody may write to it");
    }
  }

  /** When it was written, in milliseconds by the clock of the disk. */
  async #write(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    await this.#makeShard(key);
    const temporary = join(this.#dir, temporaryFileOf(key));
    try {
      const writtenAtMs = await writeFlushed(temporary, bytes, signal);
      signal.throwIfAborted();
      await rename(temporary, join(this.#dir, fileOf(key)));
      await flushFolder(join(this.#dir, shardOf(key)));
      return writtenAtMs;
    } catch (error) {
      await remove(temporary).catch(() => {});
      throw error;
    }
  }

  async #read(
    key: string,
    { signal, maxBytes = OBJECT_BYTES_MAX }: { signal: AbortSignal; maxBytes?: number },
  ): Promise<Buffer | undefined> {
    if (!(await this.#hasShard(key))) return undefined;
    let handle: FileHandle | undefined;
    try {
      handle = await open(join(this.#dir, fileOf(key)), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
      const stats = await handle.stat();
      if (!stats.isFile()) throw ObjectErrors.DAMAGED({ key, reason: "it is not a file" });
      if (stats.size > maxBytes) {
        const reason = `it has ${stats.size} bytes and not up to ${maxBytes}`;
        throw ObjectErrors.DAMAGED({ key, reason });
      }
      return await readAll(handle, stats.size, signal);
    } catch (error) {
      if (hasFileCode(error, GONE_CODES)) return undefined;
      if (!hasFileCode(error, ["ELOOP"])) throw error;
      throw ObjectErrors.DAMAGED({ key, reason: "it is a link" });
    } finally {
      await handle?.close().catch(() => {});
    }
  }

  async #makeShard(key: string): Promise<void> {
    if (await this.#hasShard(key)) return;
    // Not recursive: the folder itself is never made here.
    await mkdir(join(this.#dir, shardOf(key)), { mode: FOLDER_MODE }).catch((error: unknown) => {
      if (!hasFileCode(error, ["EEXIST"])) throw error;
    });
    if (!(await this.#hasShard(key))) throw this.#unusable(`${shardOf(key)} in it went away`);
    await flushFolder(this.#dir);
  }

  async #hasShard(key: string): Promise<boolean> {
    const shard = shardOf(key);
    try {
      if ((await lstat(join(this.#dir, shard))).isDirectory()) return true;
    } catch (error) {
      if (hasFileCode(error, GONE_CODES)) return false;
      throw error;
    }
    throw this.#unusable(`${shard} in it is not a folder`);
  }

  #unusable(reason: string): MillraceError {
    return ObjectErrors.STORE_UNUSABLE({ where: this.#dir, reason });
  }

  #failure(error: unknown): MillraceError {
    if (error instanceof MillraceError) return error;
    const where = this.#dir;
    if (hasFileCode(error, FULL_CODES)) return ObjectErrors.STORE_FULL({ where }, error);
    const reason = messageOf(error);
    if (hasFileCode(error, UNUSABLE_CODES)) {
      return ObjectErrors.STORE_UNUSABLE({ where, reason }, error);
    }
    return ObjectErrors.STORE_UNAVAILABLE({ where, reason }, error);
  }
}
