/**
 * Finds the documents that paths stand for. Folders are walked to the bottom, sorted by name.
 * Nothing is opened, and no symbolic link inside a folder is followed: what it points at either
 * lies in a folder that was given, and is found there, or is not ours to read.
 */
import type { Dirent } from "node:fs";
import { lstat, opendir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { type MillraceError, messageOf } from "../core/index.js";
import { documentTypeOfName } from "../message/index.js";
import { RuntimeErrors } from "./errors.js";

/** What the local stages make text of. */
export const LOCAL_DOCUMENT_TYPES = [
  "pdf",
  "docx",
  "pptx",
  "xlsx",
  "csv",
  "html",
  "epub",
  "eml",
  "text",
] as const;
const LOCAL_TYPES: ReadonlySet<string> = new Set(LOCAL_DOCUMENT_TYPES);

/** A file that was found, or what stands in its place. */
export interface FoundDocument {
  /** Where it lies, as given on the way to it. */
  readonly path: string;
  /** Its path below what was given, with "/"; unique among all that is found. */
  readonly name: string;
  readonly documentType: string | undefined;
  /** In bytes; it may have changed when the file is read. */
  readonly sizeBytes: number;
  /** Named by the caller, not found in a folder. */
  readonly isGiven: boolean;
  /** Why it cannot be taken in. */
  readonly problem?: MillraceError;
}

export interface FindOptions {
  readonly signal?: AbortSignal | undefined;
  /** A folder, as its real path, that is passed over: that of the results, say. */
  readonly exclude?: string | undefined;
}

interface Root {
  readonly path: string;
  readonly real: string;
  readonly label: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
}

/**
 * Files of all types, those that cannot be taken in with their problem. Paths that lie in another
 * given path are left out, so nothing comes twice.
 *
 * @throws RUNTIME_PATH_UNREADABLE, before the first file, when a given path does not exist;
 *   RUNTIME_OUTPUT_IS_INPUT when it is the excluded folder; the signal's reason.
 */
export async function* findDocuments(
  paths: readonly string[],
  options: FindOptions = {},
): AsyncGenerator<FoundDocument, void, void> {
  const roots = await openRoots(paths);
  for (const { path, real } of roots) {
    if (real === options.exclude) throw RuntimeErrors.OUTPUT_IS_INPUT({ path });
  }
  for (const root of roots) {
    options.signal?.throwIfAborted();
    if (!root.isFolder) {
      yield describe(root.path, root.label, { sizeBytes: root.sizeBytes, isGiven: true });
      continue;
    }
    const prefix = roots.length === 1 ? "" : `${root.label}/`;
    yield* walk(root.path, prefix, options);
  }
}

async function openRoots(paths: readonly string[]): Promise<Root[]> {
  const roots: Root[] = [];
  const labels = new Set<string>();
  for (const path of paths) {
    try {
      const real = await realpath(path);
      const stats = await stat(real);
      const name = basename(resolve(path)) || "root";
      const label = unusedLabel(name, labels);
      labels.add(label.toLowerCase());
      const isFolder = stats.isDirectory();
      if (!isFolder && !stats.isFile()) throw RuntimeErrors.DOCUMENT_NOT_A_FILE(special(stats));
      roots.push({ path, real, label, isFolder, sizeBytes: stats.size });
    } catch (error) {
      throw RuntimeErrors.PATH_UNREADABLE({ path, reason: reasonOf(error) }, error);
    }
  }
  return roots.filter(
    (root, index) =>
      !roots.some((other, otherIndex) => {
        if (other.real === root.real) return otherIndex < index;
        return other.isFolder && isInside(root.real, other.real);
      }),
  );
}

function unusedLabel(name: string, used: ReadonlySet<string>): string {
  const [, stem = name, extension = ""] = /^(.+?)(\.[^.]*)?$/.exec(name) ?? [];
  for (let count = 1; ; count++) {
    const label = count === 1 ? name : `${stem}-${count}${extension}`;
    if (!used.has(label.toLowerCase())) return label;
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && resolve(way) !== way;
}

async function* walk(
  folder: string,
  prefix: string,
  options: FindOptions,
): AsyncGenerator<FoundDocument, void, void> {
  let entries: Dirent[];
  try {
    entries = await sortedEntries(folder);
  } catch (error) {
    const problem = RuntimeErrors.PATH_UNREADABLE({ path: folder, reason: reasonOf(error) }, error);
    const name = prefix.slice(0, -1) || basename(resolve(folder));
    yield { ...describe(folder, name, { sizeBytes: 0, isGiven: true }), problem };
    return;
  }
  for (const entry of entries) {
    options.signal?.throwIfAborted();
    const path = join(folder, entry.name);
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) {
      if (!(await isExcluded(path, options))) yield* walk(path, `${name}/`, options);
      continue;
    }
    try {
      const stats = await lstat(path);
      const found = describe(path, name, { sizeBytes: stats.size, isGiven: false });
      if (stats.isFile()) yield found;
      else yield { ...found, problem: RuntimeErrors.DOCUMENT_NOT_A_FILE(special(stats)) };
    } catch (error) {
      const problem = RuntimeErrors.PATH_UNREADABLE({ path, reason: reasonOf(error) }, error);
      yield { ...describe(path, name, { sizeBytes: 0, isGiven: true }), problem };
    }
  }
}

async function isExcluded(folder: string, { exclude }: FindOptions): Promise<boolean> {
  return exclude !== undefined && (await realpath(folder).catch(() => folder)) === exclude;
}

async function sortedEntries(folder: string): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  for await (const entry of await opendir(folder)) {
    // Hidden things below a folder (.git, say) are nobody's documents; named themselves they are taken.
    if (!entry.name.startsWith(".")) entries.push(entry);
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(
  path: string,
  name: string,
  facts: { readonly sizeBytes: number; readonly isGiven: boolean },
): FoundDocument {
  const documentType = documentTypeOfName(name);
  const found = { path, name, documentType, ...facts };
  if (documentType !== undefined && LOCAL_TYPES.has(documentType)) return found;
  const supported = LOCAL_DOCUMENT_TYPES;
  return { ...found, problem: RuntimeErrors.DOCUMENT_TYPE_UNSUPPORTED({ supported }) };
}

/** What a thing is that is neither a file nor a folder. */
function special(stats: { isSymbolicLink(): boolean; isFIFO(): boolean }): { what: string } {
  if (stats.isSymbolicLink()) return { what: "a symbolic link" };
  return { what: stats.isFIFO() ? "a pipe" : "a device or socket" };
}

function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "it does not exist";
    case "EACCES":
    case "EPERM":
      return "no permission";
    default:
      return messageOf(error);
  }
}
