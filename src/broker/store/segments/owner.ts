/**
 * One process at a time may have a store open. The file `owner` says which: its process id and, where
 * the system tells, when that process started, so that a new process with an old number is not taken
 * for the owner. A process that was killed leaves the file behind, and the next start takes it over
 * at once: whether the owner lives is asked of the system, no sign of life is waited for.
 *
 * Every file here appears with its content, by `link`, which fails when there is one already. Taking
 * over is done under a second such file, `owner.takeover`, so that of two that find a dead owner only
 * one goes on; it looks at the owner once more when it has that file. Processes must see each other's
 * ids: two machines, or two containers that share a directory, are not kept apart.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { processId, processRuns } from "../../../core/index.js";
import { StoreErrors } from "../errors.js";
import { type FileLayer, systemCode, writeWhole } from "./disk/file-layer.js";

/** Another process that takes over right now is waited for so often and so long. */
const TAKEOVER_TRIES = 100;
const TAKEOVER_PAUSE_MS = 20;

interface Owner {
  readonly pid: number;
  /** In the system's own unit; null where it does not tell. */
  readonly startedAt: string | null;
}

/** Directories that this process has open, by their real paths. */
const openDirectories = new Set<string>();

export class Ownership {
  readonly #files: FileLayer;
  readonly #directory: string;
  readonly #ownerPath: string;
  #realPath = "";

  constructor(files: FileLayer, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.#ownerPath = join(directory, "owner");
  }

  /**
   * @param realPath of the directory: two paths may lead to one.
   * @throws STORE_LOCKED when a living process has it
   */
  async acquire(realPath: string): Promise<void> {
    if (openDirectories.has(realPath)) this.#refuse(processId);
    openDirectories.add(realPath);
    this.#realPath = realPath;
    const ownPath = join(this.#directory, `owner.${processId}`);
    try {
      const own: Owner = { pid: processId, startedAt: await this.#startOf(processId) };
      await writeWhole(this.#files, ownPath, JSON.stringify(own));
      await this.#claim(ownPath);
    } catch (error) {
      openDirectories.delete(realPath);
      throw error;
    } finally {
      await this.#files.unlink(ownPath).catch(() => {});
    }
  }

  /** Never rejects: what is left behind is a dead owner's. */
  async release(): Promise<void> {
    await this.#files.unlink(this.#ownerPath).catch(() => {});
    openDirectories.delete(this.#realPath);
  }

  async #claim(ownPath: string): Promise<void> {
    const takeoverPath = join(this.#directory, "owner.takeover");
    for (let attempt = 1; ; attempt++) {
      if (await this.#tryLink(ownPath, this.#ownerPath)) return;
      await this.#refuseIfAlive(this.#ownerPath);
      if (await this.#tryLink(ownPath, takeoverPath)) {
        await this.#takeOver(takeoverPath);
        return;
      }
      const isTooLong = attempt >= TAKEOVER_TRIES;
      if (isTooLong) await this.#refuseIfAlive(takeoverPath);
      if (isTooLong || (await this.#isDead(takeoverPath))) {
        await this.#files.unlink(takeoverPath).catch(() => {});
      } else {
        await delay(TAKEOVER_PAUSE_MS);
      }
    }
  }

  async #takeOver(takeoverPath: string): Promise<void> {
    try {
      await this.#refuseIfAlive(this.#ownerPath);
    } catch (error) {
      await this.#files.unlink(takeoverPath).catch(() => {});
      throw error;
    }
    await this.#files.rename(takeoverPath, this.#ownerPath);
  }

  async #tryLink(from: string, to: string): Promise<boolean> {
    try {
      await this.#files.link(from, to);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw error;
    }
  }

  async #refuseIfAlive(path: string): Promise<void> {
    const owner = await this.#read(path);
    if (owner !== undefined && (await this.#isAlive(owner))) this.#refuse(owner.pid);
  }

  async #isDead(path: string): Promise<boolean> {
    const owner = await this.#read(path);
    return owner !== undefined && !(await this.#isAlive(owner));
  }

  /** What the file says; undefined when it is not there or, by damage, says nothing. */
  async #read(path: string): Promise<Owner | undefined> {
    try {
      const { pid, startedAt } = JSON.parse(await this.#files.readText(path));
      return { pid: Number(pid), startedAt };
    } catch {
      return undefined;
    }
  }

  async #isAlive({ pid, startedAt }: Owner): Promise<boolean> {
    if (!processRuns(pid)) return false;
    const isStartKnown = typeof startedAt === "string" && startedAt !== "";
    const start = await this.#startOf(pid);
    return !isStartKnown || start === null || start === startedAt;
  }

  /**
   * When a process started; null where the system does not tell. A process that has ended and is
   * still listed because nobody asked how (`Z`) has no start any more.
   */
  async #startOf(pid: number): Promise<string | null> {
    let text: string;
    try {
      text = await this.#files.readText(`/proc/${pid}/stat`);
    } catch {
      return null;
    }
    // The second field is the program's name in parentheses and may hold anything, also blanks.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "" : (fields[19] ?? null);
  }

  #refuse(pid: number): never {
    throw StoreErrors.LOCKED({ dataDir: this.#directory, pid });
  }
}
