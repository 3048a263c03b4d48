/**
 * What a store asks of the file system. It is narrow so that a test can stand in between and let a
 * write or a flush fail, or note their order. `node:fs` with callbacks costs less per call than its
 * promises, and a store makes two calls per batch.
 */
import * as fs from "node:fs";
import { promisify } from "node:util";
import { KiB } from "../../../../core/index.js";

export interface FileLayer {
  /** A file to read and write, for the owner only. `isNew`: it must not be there yet. */
  open(path: string, options: { isNew: boolean }): Promise<number>;
  close(fd: number): Promise<void>;
  /** As many bytes as one call gives, at most `buffer.length`; 0 behind the end. */
  read(fd: number, buffer: Buffer, position: number): Promise<number>;
  /** As many bytes as one call takes. */
  write(fd: number, buffers: readonly Buffer[], position: number): Promise<number>;
  /** Waits until the disk has what was written. */
  flush(fd: number): Promise<void>;
  /** Waits until the disk has the names in the directory. */
  flushDirectory(path: string): Promise<void>;
  truncate(fd: number, bytes: number): Promise<void>;
  sizeOf(file: number | string): Promise<number>;
  /** The whole of a small file. */
  readText(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  /** Another name for a file. Fails when there is one already: the only test-and-set there is. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  /** Makes the directory and those above it, and gives its real path. */
  makeDirectory(path: string): Promise<string>;
  /** Bytes of the file system that may still be used. */
  freeBytes(path: string): Promise<number>;
}

/**
 * So much is written without a thread: the system takes it into memory within microseconds, while
 * the way to a thread and back takes ten times as long. Flushes, which wait for the disk, never are.
 */
const DIRECT_BYTES_MAX = 128 * KiB;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const close = promisify(fs.close);
const open = promisify(fs.open) as (path: string, flags: number, mode: number) => Promise<number>;
const mkdir = promisify(fs.mkdir);
const readFile = promisify(fs.readFile);
const stat = promisify(fs.stat);
const fstat = promisify(fs.fstat);
const fsync = promisify(fs.fsync);
const statfs = promisify(fs.statfs);

export const realFiles: FileLayer = {
  open: (path, { isNew }) => {
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    return open(path, isNew ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, FILE_MODE);
  },
  close,
  read: (fd, buffer, position) =>
    new Promise((resolve, reject) => {
      fs.read(fd, buffer, 0, buffer.length, position, (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    }),
  write: async (fd, buffers, position) => {
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    return bytes <= DIRECT_BYTES_MAX
      ? fs.writevSync(fd, buffers, position)
      : writeInThread(fd, buffers, position);
  },
  flush: promisify(fs.fdatasync),
  flushDirectory: async (path) => {
    const fd = await open(path, fs.constants.O_RDONLY, 0);
    await fsync(fd).finally(() => close(fd));
  },
  truncate: promisify(fs.ftruncate),
  sizeOf: async (file) => (await (typeof file === "string" ? stat(file) : fstat(file))).size,
  readText: (path) => readFile(path, "utf8"),
  rename: promisify(fs.rename),
  link: promisify(fs.link),
  unlink: promisify(fs.unlink),
  list: promisify(fs.readdir) as (path: string) => Promise<string[]>,
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
    return promisify(fs.realpath)(path);
  },
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

function writeInThread(fd: number, buffers: readonly Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, buffers, position, (error, bytes) =>
      error === null ? resolve(bytes) : reject(error),
    );
  });
}

/** Writes all of it, however often the system takes only a part. */
export async function writeAll(
  files: FileLayer,
  fd: number,
  buffers: readonly Buffer[],
  position: number,
): Promise<void> {
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    const written = await files.write(fd, rest, at);
    at += written;
    rest = withoutFirst(rest, written);
  }
}

function withoutFirst(buffers: readonly Buffer[], bytes: number): readonly Buffer[] {
  let index = 0;
  let left = bytes;
  while (index < buffers.length && left >= (buffers[index] as Buffer).length) {
    left -= (buffers[index++] as Buffer).length;
  }
  if (left === 0) return buffers.slice(index);
  return [(buffers[index] as Buffer).subarray(left), ...buffers.slice(index + 1)];
}

/** Fills the buffer from `position` on; the part that was there when the file ends before. */
export async function readAll(
  files: FileLayer,
  fd: number,
  buffer: Buffer,
  position: number,
): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const bytes = await files.read(fd, buffer.subarray(filled), position + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return buffer.subarray(0, filled);
}

/** Writes a small file so that it is there whole or not at all. */
export async function writeWhole(files: FileLayer, path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  await files.unlink(temporary).catch(() => {});
  const fd = await files.open(temporary, { isNew: true });
  try {
    await writeAll(files, fd, [Buffer.from(text)], 0);
    await files.flush(fd);
  } finally {
    await files.close(fd);
  }
  await files.rename(temporary, path);
}

/** The system's word for a failure, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Whether a write failed because there is no room: that passes, other failures do not. */
export function isOutOfRoom(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}
