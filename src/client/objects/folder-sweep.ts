/**
 * Removes old objects and what crashed writes left, a little at a time: a pass over the folder is cut
 * into steps, and after a pass there is a rest. Several machines may sweep one folder, so whatever is
 * found may be gone the next moment.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { monotonicMs } from "../../core/index.js";
import { remove } from "./folder-files.js";
import { isOurs, isShard, isTemporary } from "./folder-names.js";

/** Files and folders that one step looks at, and how many of them at a time. */
const STEP_LOOKS = 64;
const LOOKS_AT_ONCE = 8;
const REST_MS_MAX = 600_000;
const REST_AGE_SHARE = 1 / 4;
/**
 * A write takes seconds, and its file grows younger with each piece. Which process wrote it says
 * nothing here: it may run on another machine.
 */
const TEMPORARY_AGE_MS = 3_600_000;

export class FolderSweep {
  readonly #dir: string;
  readonly #maxAgeMs: number;
  /** What is still to be looked at in this pass. */
  #shards: string[] = [];
  #paths: string[] = [];
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(dir: string, maxAgeMs: number) {
    this.#dir = dir;
    this.#maxAgeMs = maxAgeMs;
  }

  /**
   * One step; the one that is running, if there is one. Never rejects: what cannot be read or removed
   * now comes up again in the next pass.
   *
   * @param nowMs by the clock of the disk: that of this machine may be hours off.
   */
  step(nowMs: number): Promise<void> {
    this.#running ??= this.#look(nowMs)
      .catch(() => {})
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #look(nowMs: number): Promise<void> {
    if (this.#shards.length === 0 && this.#paths.length === 0) await this.#begin();
    let looks = STEP_LOOKS;
    while (looks > 0) {
      const paths = this.#paths.splice(-Math.min(looks, LOOKS_AT_ONCE));
      if (paths.length > 0) {
        looks -= paths.length;
        await Promise.all(paths.map((path) => this.#removeOld(path, nowMs)));
        continue;
      }
      const shard = this.#shards.pop();
      if (shard === undefined) return;
      looks--;
      this.#paths = await this.#pathsIn(shard);
    }
  }

  async #begin(): Promise<void> {
    if (monotonicMs() < this.#restUntilMs) return;
    this.#restUntilMs = monotonicMs() + Math.min(REST_MS_MAX, this.#maxAgeMs * REST_AGE_SHARE);
    const entries = await readdir(this.#dir, { withFileTypes: true });
    // A link to a folder is no folder here.
    const shards = entries.filter((entry) => entry.isDirectory() && isShard(entry.name));
    this.#shards = shards.map(({ name }) => name);
  }

  async #pathsIn(shard: string): Promise<string[]> {
    const folder = join(this.#dir, shard);
    const names = await readdir(folder).catch(() => []);
    return names.filter(isOurs).map((name) => join(folder, name));
  }

  async #removeOld(path: string, nowMs: number): Promise<void> {
    const limitMs = isTemporary(path) ? TEMPORARY_AGE_MS : this.#maxAgeMs;
    try {
      const { mtimeMs } = await lstat(path);
      if (nowMs - mtimeMs > limitMs) await remove(path);
    } catch {
      // Gone, or not to be had now.
    }
  }
}
