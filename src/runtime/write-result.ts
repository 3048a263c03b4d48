/** Writes results into a directory, each into its own file and whole or not at all. */
import { lstat, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { messageOf, newId } from "../core/index.js";
import type { ResultDocument } from "../message/index.js";
import { RuntimeErrors } from "./errors.js";
import { outputName } from "./output-name.js";
import { resultText } from "./result-text.js";

export const RESULT_FORMATS = ["json", "jsonl", "md"] as const;
/** `json`: the whole result. `jsonl`: a row per line. `md`: the text of all rows. */
export type ResultFormat = (typeof RESULT_FORMATS)[number];

export interface ResultWriter {
  /** Where the results are, as a real path. */
  readonly directory: string;
  /**
   * Writes the result of the document of this name (a relative path with "/") and returns where.
   * Failed results have no rows and no text: only `json` writes them, else undefined comes back.
   *
   * @throws RUNTIME_RESULT_UNWRITABLE
   */
  write(name: string, result: ResultDocument): Promise<string | undefined>;
}

/**
 * A writer for a directory, which is made when it is not there.
 *
 * @throws RUNTIME_RESULT_UNWRITABLE
 */
export async function openResultWriter(
  directory: string,
  format: ResultFormat,
): Promise<ResultWriter> {
  const root = await orUnwritable(directory, async () => {
    await makeFolders(resolve(directory));
    return realpath(directory);
  });
  return {
    directory: root,
    async write(name, result) {
      if (format !== "json" && result.status === "failed") return undefined;
      const output = outputName(name, format);
      const path = join(directory, output);
      await orUnwritable(path, () => writeWhole(root, output, contentOf(result, format)));
      return path;
    },
  };
}

/**
 * Makes a folder and those above it, one by one: the recursive form of Node 20 asks for ever where
 * the system has the parent and says that it does not exist, as below /proc.
 */
async function makeFolders(folder: string): Promise<void> {
  const missing: string[] = [];
  let existing = folder;
  while (!(await stat(existing).catch(() => undefined)) && dirname(existing) !== existing) {
    missing.unshift(existing);
    existing = dirname(existing);
  }
  for (const each of missing) {
    await mkdir(each).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`);
}

function* contentOf(result: ResultDocument, format: ResultFormat): Generator<string, void, void> {
  if (format === "jsonl") {
    for (const row of result.data ?? []) yield `${JSON.stringify(row)}\n`;
  } else if (format === "md") yield `${resultText(result)}\n`;
  else yield `${JSON.stringify(result, null, 2)}\n`;
}

/** A reader sees the old file or the new one, and a link at its place is replaced, not followed. */
async function writeWhole(root: string, name: string, content: Iterable<string>): Promise<void> {
  const components = name.split("/");
  const file = components.pop() as string;
  const folder = await openFolder(root, components);
  const temporary = join(folder, `.${newId()}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      for (const part of content) await handle.appendFile(part);
    } finally {
      await handle.close();
    }
    await rename(temporary, join(folder, file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes the folders one by one: a link among them could lead out of the directory. */
async function openFolder(root: string, components: readonly string[]): Promise<string> {
  let folder = root;
  for (const component of components) {
    folder = join(folder, component);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`);
  }
  return folder;
}

async function orUnwritable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw RuntimeErrors.RESULT_UNWRITABLE({ path, reason: messageOf(error) }, error);
  }
}
