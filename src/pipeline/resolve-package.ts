/**
 * Finds the module of a package as `import` written in some folder would: node_modules upwards, then
 * the package's `exports` under the conditions of an import. `createRequire` would take the conditions
 * of a require, which packages of modules alone do not answer, and `import.meta.resolve` takes no
 * folder before Node 22. It follows Node's "Resolution Algorithm Specification" for packages.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";

const CONDITIONS: ReadonlySet<string> = new Set(["node", "import", "module-sync", "default"]);

/** The URL of the file, or what is missing, in words. */
export function resolvePackage(specifier: string, fromFolder: string): URL | string {
  const [, name = "", subpath = ""] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? [];
  const folder = findPackage(name, fromFolder);
  if (folder === undefined) {
    return `no package "${name}" is installed in ${fromFolder} or a folder above it`;
  }
  const manifest = readManifest(folder);
  if (manifest === undefined) return `the package.json in ${folder} cannot be read`;
  const entry = `.${subpath}`;
  const target =
    manifest.exports === undefined || manifest.exports === null
      ? withoutExports(folder, entry, manifest.main)
      : fromExports(manifest.exports, entry);
  if (typeof target !== "string") return `the package "${name}" in ${folder} exports no "${entry}"`;
  const file = join(folder, target);
  if (!file.startsWith(folder + sep)) return `"${target}" leaves the package in ${folder}`;
  return isFile(file) ? pathToFileURL(file) : `${file} does not exist`;
}

interface Manifest {
  readonly name?: unknown;
  readonly main?: unknown;
  readonly exports?: unknown;
}

function findPackage(name: string, fromFolder: string): string | undefined {
  // A package may name itself, as the examples beside its sources do.
  const own = nearestPackage(fromFolder);
  const ownManifest = own === undefined ? undefined : readManifest(own);
  if (ownManifest?.name === name && ownManifest.exports !== undefined) return own;
  for (const folder of upwards(fromFolder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return undefined;
}

function nearestPackage(fromFolder: string): string | undefined {
  return upwards(fromFolder).find((folder) => existsSync(join(folder, "package.json")));
}

/** The folder and all above it. */
function upwards(folder: string): string[] {
  const folders = [folder];
  for (let at = folder; dirname(at) !== at; ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

function readManifest(folder: string): Manifest | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof manifest === "object" && manifest !== null ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function withoutExports(folder: string, entry: string, main: unknown): string | undefined {
  if (entry !== ".") return entry;
  const named = typeof main === "string" ? [main, `${main}.js`, join(main, "index.js")] : [];
  return [...named, "index.js"].find((file) => isFile(join(folder, file)));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function fromExports(exports: unknown, entry: string): string | null | undefined {
  if (!hasSubpaths(exports)) return entry === "." ? pick(exports, "") : undefined;
  if (Object.hasOwn(exports, entry) && !entry.includes("*")) return pick(exports[entry], "");
  // Of several patterns the one with the longest text before its star counts.
  const patterns = Object.keys(exports)
    .filter((key) => key.split("*").length === 2)
    .map((key) => ({
      key,
      before: key.split("*")[0] as string,
      after: key.split("*")[1] as string,
    }))
    .sort((a, b) => b.before.length - a.before.length || b.key.length - a.key.length);
  for (const { key, before, after } of patterns) {
    const starLength = entry.length - before.length - after.length;
    if (starLength < 1 || !entry.startsWith(before) || !entry.endsWith(after)) continue;
    return pick(exports[key], entry.slice(before.length, before.length + starLength));
  }
  return undefined;
}

function hasSubpaths(exports: unknown): exports is Record<string, unknown> {
  if (typeof exports !== "object" || exports === null || Array.isArray(exports)) return false;
  return Object.keys(exports).some((key) => key.startsWith("."));
}

/** The first target whose conditions hold; null where one is forbidden, undefined where none holds. */
function pick(target: unknown, star: string): string | null | undefined {
  if (typeof target === "string") {
    return target.startsWith("./") ? target.replaceAll("*", () => star) : null;
  }
  if (typeof target !== "object" || target === null) return null;
  const isList = Array.isArray(target);
  const choices: unknown[] = isList
    ? target
    : Object.entries(target).flatMap(([key, value]) => (CONDITIONS.has(key) ? [value] : []));
  for (const choice of choices) {
    const picked = pick(choice, star);
    // What is forbidden ends a search by conditions, but not one through a list.
    if (typeof picked === "string" || (picked === null && !isList)) return picked;
  }
  return undefined;
}
