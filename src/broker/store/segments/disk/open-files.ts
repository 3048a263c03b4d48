/**
 * File descriptors by path, opened when first used and kept while they are few: a store may have
 * thousands of segments, of which hardly more than two are in use.
 */
import type { FileLayer } from "./file-layer.js";

const IDLE_FILES_MAX = 32;

interface OpenFile {
  readonly fd: Promise<number>;
  useCount: number;
}

export class OpenFiles {
  readonly #files: FileLayer;
  /** Least recently used first. */
  readonly #open = new Map<string, OpenFile>();

  #useCount = 0;
  #onUnused: (() => void) | undefined;

  constructor(files: FileLayer) {
    this.#files = files;
  }

  /** Runs `work` with the file open. It is not closed before `work` ends. */
  async use<T>(path: string, work: (fd: number) => Promise<T>): Promise<T> {
    const file = this.#open.get(path) ?? {
      fd: this.#files.open(path, { isNew: false }),
      useCount: 0,
    };
    this.#open.delete(path);
    this.#open.set(path, file);
    file.useCount++;
    this.#useCount++;
    try {
      return await work(await file.fd);
    } catch (error) {
      await file.fd.catch(() => this.#forget(path, file));
      throw error;
    } finally {
      file.useCount--;
      if (--this.#useCount === 0) this.#onUnused?.();
      if (this.#open.size > IDLE_FILES_MAX) await this.#closeIdle();
    }
  }

  /** Closes the file when nobody uses it. */
  async close(path: string): Promise<void> {
    const file = this.#open.get(path);
    if (file === undefined || file.useCount > 0) return;
    this.#open.delete(path);
    await file.fd.then((fd) => this.#files.close(fd)).catch(() => {});
  }

  /** Waits until no file is used. */
  async closeAll(): Promise<void> {
    while (this.#useCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
    }
    for (const path of [...this.#open.keys()]) await this.close(path);
  }

  #forget(path: string, file: OpenFile): void {
    if (this.#open.get(path) === file) this.#open.delete(path);
  }

  async #closeIdle(): Promise<void> {
    for (const [path, file] of this.#open) {
      if (this.#open.size <= IDLE_FILES_MAX) return;
      if (file.useCount === 0) await this.close(path);
    }
  }
}
