/**
 * What is known of the room on the disk. Asking takes a system call, so it is asked now and then
 * while pushes come, and in between what was written since is taken off.
 */
import { MiB, monotonicMs } from "../../../../core/index.js";
import type { FileLayer } from "./file-layer.js";

const ASK_EVERY_MS = 200;
const ASK_EVERY_BYTES = 64 * MiB;
/** A full disk is looked at this often, whether pushes come or not. */
const PROBE_MS = 500;

export class DiskSpace {
  /** A write failed for want of room, and none was seen since. */
  isFull = false;
  readonly #files: FileLayer;
  readonly #directory: string;
  readonly #minFreeBytes: number;
  #freeBytes = 0;
  #writtenBytes = 0;
  #askedAtMs = 0;
  #asking: Promise<void> | undefined;
  #neededBytes = 0;
  #probeTimer: NodeJS.Timeout | undefined;

  constructor(files: FileLayer, directory: string, minFreeBytes: number) {
    this.#files = files;
    this.#directory = directory;
    this.#minFreeBytes = minFreeBytes;
  }

  /** Whether so many bytes would leave as much free as shall stay free. */
  hasRoom(bytes: number): boolean {
    const isOld = monotonicMs() - this.#askedAtMs > ASK_EVERY_MS;
    if (isOld || this.#writtenBytes > ASK_EVERY_BYTES) void this.ask();
    return !this.isFull && this.#freeBytes - this.#writtenBytes - bytes >= this.#minFreeBytes;
  }

  written(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  /** Asks the system. Never rejects: what was known stays known. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** A write of so many bytes found no room. Looks until there is some. */
  setFull(bytes: number): void {
    this.isFull = true;
    this.#neededBytes = bytes;
    this.#probeTimer ??= setTimeout(() => this.#probe(), PROBE_MS).unref();
  }

  async close(): Promise<void> {
    this.isFull = false;
    clearTimeout(this.#probeTimer);
    await this.#asking;
    clearTimeout(this.#probeTimer);
  }

  async #ask(): Promise<void> {
    const writtenBefore = this.#writtenBytes;
    this.#askedAtMs = monotonicMs();
    try {
      this.#freeBytes = await this.#files.freeBytes(this.#directory);
      this.#writtenBytes -= writtenBefore;
    } catch {}
  }

  async #probe(): Promise<void> {
    await this.ask();
    this.#probeTimer = undefined;
    if (!this.isFull) return;
    if (this.#freeBytes - this.#neededBytes >= this.#minFreeBytes) this.isFull = false;
    else this.setFull(this.#neededBytes);
  }
}
