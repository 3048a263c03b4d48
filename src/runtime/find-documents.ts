/**
 * Finds the documents that paths stand for. Folders are walked to the bottom, sorted by name.
 * Nothing is opened, and no symbolic link inside a folder is followed: what it points at either
 * lies in a folder that was given, and is found there, or is not ours to read.
 */
import type { Dirent } from "node:fs";
import { lstat, opendir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type MillraceError, messageOf } from "../core/index.js";
import { documentTypeOfName } from "../message/index.js";
import { RuntimeErrors } from "./errors.js";
import { globOf, type Matches, matcherOf } from "./name-patterns.js";

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
  readonly excludeFolder?: string | undefined;
  /** Patterns, parted by commas; of what lies in folders only files that fit one are found. */
  readonly include?: string | undefined;
  /** Patterns; files in folders, and folders with all below them, that fit one are passed over. */
  readonly exclude?: string | undefined;
  /** Also files and folders in folders whose names start with a dot. */
  readonly hidden?: boolean | undefined;
}

/** A path that was given, or that a pattern begins at. */
interface Root {
  readonly path: string;
  readonly real: string;
  readonly label: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  /** Of a pattern: what below the folder is meant. */
  readonly matches?: Matches;
}

/** What to keep of the entries of a folder. */
interface Sieve {
  readonly signal: AbortSignal | undefined;
  readonly excludeFolder: string | undefined;
  readonly hidden: boolean;
  readonly isWanted: Matches;
  readonly isUnwanted: Matches;
}

/**
 * Files of all types, those that cannot be taken in with their problem. A path is a file, a folder
 * or a pattern such as `docs/*.pdf`; what exists under a name that looks like a pattern is
 * meant itself. What several paths lead to comes once.
 *
 * @throws as `openFinder`, before the first file, and the signal's reason.
 */
export async function* findDocuments(
  paths: readonly string[],
  options: FindOptions = {},
): AsyncGenerator<FoundDocument, void, void> {
  yield* (await openFinder(paths, options)).all();
}

/** Knows what the given paths stand for, now and later. */
export interface DocumentFinder {
  all(): AsyncGenerator<FoundDocument, void, void>;
  /** The folders to look at for what comes later: each with all below it, or for one file. */
  readonly folders: readonly string[];
  /** The document at a path, when it is one of those that `all` would give; found by name alone. */
  at(path: string): Promise<FoundDocument | undefined>;
  /** Whether a path can lead to a document: no hidden or excluded folder is on the way. */
  canHold(path: string): boolean;
  /** Whether a real path is, or lies below, what was given. */
  covers(real: string): boolean;
}

/**
 * @throws RUNTIME_PATH_UNREADABLE when a given path, or the folder a pattern begins at, does not
 *   exist; RUNTIME_OUTPUT_IS_INPUT when it is the excluded folder.
 */
export async function openFinder(
  paths: readonly string[],
  options: FindOptions = {},
): Promise<DocumentFinder> {
  const { signal, excludeFolder, hidden = false, include, exclude } = options;
  const isWanted = include === undefined ? () => true : matcherOf(include);
  const isUnwanted = exclude === undefined ? () => false : matcherOf(exclude);
  const sieve: Sieve = { signal, excludeFolder, hidden, isWanted, isUnwanted };
  const roots = await openRoots(paths, sieve);
  for (const { path, real } of roots) {
    if (real === excludeFolder) throw RuntimeErrors.OUTPUT_IS_INPUT({ path });
  }
  return {
    all: () => findAll(roots, sieve),
    folders: roots.map(({ path, isFolder }) => (isFolder ? path : dirname(path))),
    at: (path) => findAt(path, roots, sieve),
    canHold: (path) => roots.some((root) => mayLeadTo(resolve(path), root, sieve)),
    covers: (real) => roots.some((root) => real === root.real || isInside(real, root.real)),
  };
}

async function* findAll(roots: readonly Root[], sieve: Sieve): AsyncGenerator<FoundDocument> {
  for (const [index, root] of roots.entries()) {
    sieve.signal?.throwIfAborted();
    const cameBefore = (real: string) =>
      roots.slice(0, index).some((earlier) => holds(earlier, real, sieve));
    if (!root.isFolder) {
      if (cameBefore(root.real)) continue;
      yield describe(root.path, root.label, { sizeBytes: root.sizeBytes, isGiven: true });
      continue;
    }
    const prefix = prefixOf(root, roots);
    for await (const found of walk({ folder: root.path, below: "", prefix }, root, sieve)) {
      if (!cameBefore(join(root.real, relative(root.path, found.path)))) yield found;
    }
  }
}

async function findAt(
  path: string,
  roots: readonly Root[],
  sieve: Sieve,
): Promise<FoundDocument | undefined> {
  for (const root of roots) {
    const way = relative(resolve(root.path), resolve(path));
    const isIt = root.isFolder ? isInside(resolve(path), resolve(root.path)) : way === "";
    if (!isIt || !holds(root, join(root.real, way), sieve)) continue;
    const stats = await (root.isFolder ? lstat(path) : stat(path)).catch(() => undefined);
    const below = way.split(sep).join("/");
    const name = root.isFolder ? `${prefixOf(root, roots)}${below}` : root.label;
    const sizeBytes = stats?.size ?? 0;
    const found = describe(path, name, { sizeBytes, isGiven: !root.isFolder });
    if (stats === undefined || stats.isFile()) return found;
    return { ...found, problem: RuntimeErrors.DOCUMENT_NOT_A_FILE(special(stats)) };
  }
  return undefined;
}

function prefixOf({ label }: Root, roots: readonly Root[]): string {
  return roots.length === 1 ? "" : `${label}/`;
}

/** Whether a walk from the root comes upon the file of this real path. */
function holds(root: Root, real: string, sieve: Sieve): boolean {
  if (!root.isFolder) return real === root.real;
  if (!isInside(real, root.real)) return false;
  const way = relative(root.real, real);
  const name = way.split(sep).join("/");
  return isOpenWay(way, sieve) && sieve.isWanted(name) && (root.matches?.(name) ?? true);
}

/** Also for what is no document: folders, and that of a given file. */
function mayLeadTo(path: string, root: Root, sieve: Sieve): boolean {
  const given = resolve(root.path);
  if (path === given) return true;
  if (!root.isFolder) return path === dirname(given);
  if (path === sieve.excludeFolder || !isInside(path, given)) return false;
  return isOpenWay(relative(given, path), sieve);
}

async function openRoots(paths: readonly string[], sieve: Sieve): Promise<Root[]> {
  const roots: Root[] = [];
  const labels = new Set<string>();
  for (const given of paths) {
    const pattern = (await exists(given)) ? undefined : globOf(given);
    const path = pattern?.base ?? given;
    try {
      const real = await realpath(path);
      const other = roots.findIndex((root) => root.matches && pattern && root.real === real);
      if (other >= 0) {
        roots[other] = joined(roots[other] as Root, pattern?.matches as Matches);
        continue;
      }
      const stats = await stat(real);
      const name = basename(resolve(path)) || "root";
      const label = unusedLabel(name, labels);
      labels.add(label.toLowerCase());
      const isFolder = stats.isDirectory();
      if (!isFolder && !stats.isFile()) throw RuntimeErrors.DOCUMENT_NOT_A_FILE(special(stats));
      const { size: sizeBytes } = stats;
      const matches = pattern === undefined ? {} : { matches: pattern.matches };
      roots.push({ path, real, label, isFolder, sizeBytes, ...matches });
    } catch (error) {
      throw RuntimeErrors.PATH_UNREADABLE({ path: given, reason: reasonOf(error) }, error);
    }
  }
  return roots.filter(
    (root, index) =>
      !roots.some((other, otherIndex) => {
        if (other === root || other.matches !== undefined) return false;
        if (other.real === root.real) return otherIndex < index || root.matches !== undefined;
        if (!other.isFolder) return false;
        return root.isFolder
          ? isInside(root.real, other.real) && isOpenWay(relative(other.real, root.real), sieve)
          : holds(other, root.real, sieve);
      }),
  );
}

/** Whether a walk goes along: nothing on the way, its end included, is hidden or excluded. */
function isOpenWay(way: string, { hidden, isUnwanted }: Sieve): boolean {
  const components = way.split(sep);
  return components.every(
    (component, index) =>
      (hidden || !component.startsWith(".")) &&
      !isUnwanted(components.slice(0, index + 1).join("/")),
  );
}

/** Patterns that begin at the same folder are walked together. */
function joined(root: Root, also: Matches): Root {
  return { ...root, matches: (name) => root.matches?.(name) === true || also(name) };
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
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

/** Where a walk is: `below` its root, and how names begin there. */
interface Place {
  readonly folder: string;
  readonly below: string;
  readonly prefix: string;
}

async function* walk(
  { folder, below, prefix }: Place,
  root: Root,
  sieve: Sieve,
): AsyncGenerator<FoundDocument, void, void> {
  let entries: Dirent[];
  try {
    entries = await sortedEntries(folder, sieve.hidden);
  } catch (error) {
    const problem = RuntimeErrors.PATH_UNREADABLE({ path: folder, reason: reasonOf(error) }, error);
    const name = `${prefix}${below}`.slice(0, -1) || basename(resolve(folder));
    yield { ...describe(folder, name, { sizeBytes: 0, isGiven: true }), problem };
    return;
  }
  for (const entry of entries) {
    sieve.signal?.throwIfAborted();
    const way = `${below}${entry.name}`;
    if (sieve.isUnwanted(way)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (await isExcluded(path, sieve)) continue;
      yield* walk({ folder: path, below: `${way}/`, prefix }, root, sieve);
    } else if (sieve.isWanted(way) && (root.matches?.(way) ?? true)) {
      yield await look(path, `${prefix}${way}`);
    }
  }
}

async function look(path: string, name: string): Promise<FoundDocument> {
  try {
    const stats = await lstat(path);
    const found = describe(path, name, { sizeBytes: stats.size, isGiven: false });
    if (stats.isFile()) return found;
    return { ...found, problem: RuntimeErrors.DOCUMENT_NOT_A_FILE(special(stats)) };
  } catch (error) {
    const problem = RuntimeErrors.PATH_UNREADABLE({ path, reason: reasonOf(error) }, error);
    return { ...describe(path, name, { sizeBytes: 0, isGiven: true }), problem };
  }
}

async function isExcluded(folder: string, { excludeFolder }: Sieve): Promise<boolean> {
  if (excludeFolder === undefined) return false;
  return (await realpath(folder).catch(() => folder)) === excludeFolder;
}

async function sortedEntries(folder: string, hidden: boolean): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  for await (const entry of await opendir(folder)) {
    // Hidden things below a folder (.git, say) are nobody's documents; named themselves they are taken.
    if (hidden || !entry.name.startsWith(".")) entries.push(entry);
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
