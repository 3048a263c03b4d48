/**
 * Where a stage comes from, as an operator writes it: `./redact.js#words`, `some-package#words`. This
 * file finds the module's file and loads nothing.
 */
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LoadErrors } from "./load-errors.js";
import { resolvePackage } from "./resolve-package.js";

export interface StageAddress {
  /** As it was written, for errors and lists. */
  readonly use: string;
  /** The module; always a `file:` URL. */
  readonly file: URL;
  /** What stands behind `#`: a stage of the module's plugin, or one of its exports. */
  readonly exportName?: string;
}

/**
 * Reads an address. Paths and the folders of packages are looked for from `base`: the `file:` URL of
 * the file that names the stage, or of a folder, with a slash at its end.
 *
 * A path (`./`, `../` or absolute) or a `file:` URL need not exist yet; a package must be installed,
 * and is found as `import` would find it there.
 *
 * @throws PIPELINE_STAGE_ADDRESS_INVALID, also for `data:`, `http:`, `node:` and their like;
 *   PIPELINE_STAGE_MODULE_NOT_FOUND for a package that is not there or has no such entry.
 */
export function parseStageAddress(use: string, base: URL): StageAddress {
  const [specifier = "", exportName, ...rest] = use.split("#");
  const refuse = (problem: string) => LoadErrors.STAGE_ADDRESS_INVALID({ use, problem });
  if (specifier === "") throw refuse("names no module");
  if (exportName === "" || rest.length > 0) throw refuse('must have one name behind its one "#"');
  const named = exportName === undefined ? {} : { exportName };
  return { use, file: fileOf(specifier, base, { use, refuse }), ...named };
}

interface Asked {
  readonly use: string;
  readonly refuse: (problem: string) => Error;
}

function fileOf(specifier: string, base: URL, { use, refuse }: Asked): URL {
  const folder = resolve(fileURLToPath(new URL(".", base)));
  if (/^\.{1,2}[\\/]/.test(specifier)) return pathToFileURL(resolve(folder, specifier));
  if (isAbsolute(specifier)) return pathToFileURL(specifier);
  if (specifier.startsWith("file:")) {
    if (URL.canParse(specifier)) return new URL(specifier);
    throw refuse("is no valid URL");
  }
  if (/^[a-z][a-z\d+.-]*:/i.test(specifier)) {
    throw refuse("has a scheme that stages are not loaded from");
  }
  if (!/^(?:@[\w.~-]+\/)?[\w-][\w.~-]*(?:\/[^\\]*)?$/.test(specifier)) {
    throw refuse("is no path and no name of a package");
  }
  const found = resolvePackage(specifier, folder);
  if (typeof found !== "string") return found;
  throw LoadErrors.STAGE_MODULE_NOT_FOUND({ use, problem: found });
}
