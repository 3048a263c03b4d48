/** Files as a store needs them: flushed when written, ended by a signal, and gone without a complaint. */
import { type FileHandle, open, unlink } from "node:fs/promises";
import { platform } from "node:os";
import { MiB } from "../../core/index.js";

/** Machines may run under several users of one group; the umask decides. */
const FILE_MODE = 0o660;
/** Read at a time, so that a signal is heeded in between. */
const READ_BYTES = 4 * MiB;
const UNKNOWN_CODES = ["EINVAL", "ENOTSUP"];

/**
 * Writes a new file that outlives a crash; resolves with the time of it, in milliseconds by the clock
 * of the disk.
 */
export async function writeFlushed(
  path: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<number> {
  const handle = await open(path, "wx", FILE_MODE);
  try {
    await handle.writeFile(bytes, { signal });
    await handle.sync();
    return (await handle.stat()).mtimeMs;
  } finally {
    // Not swallowed: over NFS a full disk may come to light here.
    await handle.close();
  }
}

/** Names are flushed apart from the files that they name. Windows and some shares cannot do that. */
export async function flushFolder(path: string): Promise<void> {
  if (platform() === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (!hasFileCode(error, UNKNOWN_CODES)) throw error;
  } finally {
    await handle.close();
  }
}

/** The file's first `size` bytes; fewer when it has fewer. */
export async function readAll(
  handle: FileHandle,
  size: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    signal.throwIfAborted();
    const wanted = Math.min(READ_BYTES, size - length);
    const { bytesRead } = await handle.read(buffer, length, wanted, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** Removes one file or link; it may be gone already. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasFileCode(error, ["ENOENT", "ESTALE"])) throw error;
  });
}

export function hasFileCode(error: unknown, codes: readonly string[]): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && codes.includes(code);
}
