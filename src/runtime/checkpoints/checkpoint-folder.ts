/**
 * The folder of checkpoints as a whole: its names, its size, what must go. Several processes may use
 * one at the same time, so whatever it finds may be gone the next moment. Files that do not look like
 * its own are never touched.
 */
import type { Dirent } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { epochSeconds, KiB, newId, processId, processRuns } from "../../core/index.js";

const SHARD = /^[0-9a-f]{2}$/;
const CHECKPOINT = /^[0-9a-f]{64}\.checkpoint$/;
const TEMPORARY = /^[0-9a-f]{64}\.(\d+)\.[0-9a-f-]{36}\.tmp$/;
/** A write takes seconds; after so long its process, or one with its number, has forgotten it. */
const TEMPORARY_AGE_MS = 3_600_000;
const BLOCK_BYTES = 4 * KiB;

/** The first two digits of a name: no folder gets too many files. */
export function shardOf(name: string): string {
  return name.slice(0, 2);
}

export function fileOf(name: string): string {
  return join(shardOf(name), `${name}.checkpoint`);
}

/** Names the process that writes it, so that others know when nobody does any more. */
export function temporaryFileOf(name: string): string {
  return join(shardOf(name), `${name}.${processId}.${newId()}.tmp`);
}

/** What a file takes on the disk: whole blocks. */
export function bytesOnDisk(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedAtMs: number;
}

export interface SweepLimits {
  /** Above it the oldest go, until no more than `lowBytes` are left. */
  readonly highBytes: number;
  readonly lowBytes: number;
  readonly maxAgeMs: number;
}

export interface Swept {
  /** Left in the folder. */
  readonly bytes: number;
  readonly removedCount: number;
}

/**
 * Removes what is too old, what is too much (those not used for longest first), and temporary files
 * that nobody writes any more. A folder that is gone is empty. @throws when it cannot be read
 */
export async function sweepFolder(dir: string, limits: SweepLimits): Promise<Swept> {
  const nowMs = epochSeconds() * 1000;
  const found: FoundFile[] = [];
  const leftBehind: FoundFile[] = [];
  for (const shard of await shardsIn(dir)) {
    // A link to a folder is no folder here.
    if (!SHARD.test(shard.name) || !shard.isDirectory()) continue;
    const folder = join(dir, shard.name);
    const names = await readdir(folder).catch(() => []);
    await Promise.all(
      names.map(async (name) => {
        const temporary = TEMPORARY.exec(name);
        if (temporary === null && !CHECKPOINT.test(name)) return;
        const file = await lookAt(join(folder, name));
        if (file === undefined) return;
        const isDead = temporary !== null && isAbandoned(Number(temporary[1]), file, nowMs);
        (isDead ? leftBehind : found).push(file);
      }),
    );
  }
  for (const { path } of leftBehind) await remove(path);
  return evict(found, limits, nowMs);
}

async function shardsIn(dir: string): Promise<Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Removes one file, or what stands in its place. Never rejects. */
export async function remove(path: string): Promise<void> {
  await rm(path, { force: true, recursive: false }).catch(() => {});
}

async function lookAt(path: string): Promise<FoundFile | undefined> {
  try {
    const { size, mtimeMs } = await lstat(path);
    return { path, bytes: bytesOnDisk(size), usedAtMs: mtimeMs };
  } catch {
    return undefined;
  }
}

function isAbandoned(pid: number, { usedAtMs }: FoundFile, nowMs: number): boolean {
  return !processRuns(pid) || nowMs - usedAtMs > TEMPORARY_AGE_MS;
}

async function evict(found: FoundFile[], limits: SweepLimits, nowMs: number): Promise<Swept> {
  const { highBytes, lowBytes, maxAgeMs } = limits;
  let bytes = found.reduce((sum, file) => sum + file.bytes, 0);
  const isTooMuch = bytes > highBytes;
  let removedCount = 0;
  for (const file of found.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    const isOld = nowMs - file.usedAtMs > maxAgeMs;
    if (!isOld && !(isTooMuch && bytes > lowBytes)) break;
    await remove(file.path);
    bytes -= file.bytes;
    removedCount++;
  }
  return { bytes, removedCount };
}
